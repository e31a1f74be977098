package kvtest

import (
	"time"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

var timeCases = []testCase{
	{"advance makes visible at least that", func(h *house) {
		old := h.begin("")
		h.put("a=1")
		to := h.Visible() + kv.Time(3)<<32
		noErr(h, h.Advance(h.ctx, to))
		if h.Visible() < to {
			h.Fatalf("visible is %d, want %d", h.Visible(), to)
		}
		noErr(h, h.Advance(h.ctx, to-1))
		tx := h.begin("")
		if tx.ReadTime() < to {
			h.Fatalf("reads at %d", tx.ReadTime())
		}
		tx.want("a=1")
		old.want("a")
		if at := h.put("a=2"); at <= to {
			h.Fatalf("committed at %d after advancing to %d", at, to)
		}
		old.lock("b") // an advance writes nothing.
	}},
	{"advance refuses the far future", func(h *house) {
		before := h.Visible()
		far := kv.Time(0xfffffff0) << 32
		wantErr(h, h.Advance(h.ctx, far), kv.ErrClockDrift)
		if h.Visible() != before {
			h.Fatal("a refused time moved the clock")
		}
	}},
	{"the seconds are the clock's", func(h *house) {
		at := h.put("a=1")
		now := h.now().Unix()
		if ahead := int64(at.Seconds()) - now; ahead > 30 || ahead < -30 {
			h.Fatalf("second %d, the clock says %d", at.Seconds(), now)
		}
	}},
	{"reads at a past time", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("the engine has no past reads")
		}
		var times []kv.Time
		for i := range 20 {
			times = append(times, h.put("a="+key(i)))
		}
		for i, at := range times {
			tx := h.beginWith(kv.Options{At: at})
			if tx.ReadTime() != at {
				h.Fatalf("reads at %d, want %d", tx.ReadTime(), at)
			}
			tx.want("a=" + key(i))
			wantErr(h, tx.Refresh(h.ctx), kv.ErrFixedSnapshot)
			tx.Rollback()
		}
	}},
	{"a past transaction conflicts with what came after", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("the engine has no past reads")
		}
		at := h.put("a=1", "b=1")
		h.put("b=2")
		tx := h.beginWith(kv.Options{At: at, Hold: true})
		tx.want("b=1")
		tx.lockConflict(kv.How{}, "b")
		tx.put("a=3")
		tx.commit()
		h.begin("").want("a=3", "b=2")
	}},
	{"times that are not held, or not yet", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("the engine has no past reads")
		}
		h.put("a=1")
		_, err := h.Begin(h.ctx, kv.Options{At: 1})
		wantErr(h, err, kv.ErrSnapshotTooOld)
		_, err = h.Begin(h.ctx, kv.Options{At: h.Visible() + 1})
		wantErr(h, err, kv.ErrSnapshotAhead)
		tx := h.beginWith(kv.Options{At: h.Visible()})
		tx.want("a=1")
	}},
}

func (h *house) now() time.Time { return env.System().Now() }
