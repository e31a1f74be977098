package kvtest

import (
	"bytes"

	"github.com/pandodb/pando/internal/kv"
)

var lockCases = []testCase{
	{"a held key is a conflict at once", func(h *house) {
		a, b := h.begin("holder"), h.begin("other")
		a.lock("k")
		c := b.lockConflict(kv.How{}, "k")
		if !c.Held || c.Claimed || string(c.Key) != "k" || c.Holder != "holder" || c.Age < 0 {
			h.Fatalf("got %+v", c)
		}
		a.Rollback()
		b.lock("k")
	}},
	{"a key committed after the snapshot is a conflict", func(h *house) {
		tx := h.begin("")
		at := h.put("k=1")
		c := tx.lockConflict(kv.How{}, "k")
		if c.Held || c.Claimed || c.Winner != at || !bytes.Equal(c.Key, []byte("k")) {
			h.Fatalf("got %+v, want winner %d", c, at)
		}
		h.begin("").lock("k") // not claimed by the loser, and no conflict for who is newer.
	}},
	{"what the holder gave up is no conflict", func(h *house) {
		a, b := h.begin(""), h.begin("")
		a.put("k=1")
		a.Rollback()
		b.lock("k")
	}},
	{"a lock is kept by its transaction, and may be taken again", func(h *house) {
		a, b := h.begin(""), h.begin("")
		a.lock("k", "l", "k")
		a.lock("k")
		b.lockConflict(kv.How{}, "l")
	}},
	{"keys before the refused one stay claimed", func(h *house) {
		a, b, c := h.begin(""), h.begin(""), h.begin("")
		a.lock("m")
		wantConflict(h, b.tryLock(kv.How{}, "l", "m", "n"))
		c.lockConflict(kv.How{}, "l")
		c.lock("n")
	}},
	{"a locked key counts as written", func(h *house) {
		old := h.begin("")
		tx := h.begin("")
		tx.lock("k")
		tx.commit()
		if c := old.lockConflict(kv.How{}, "k"); c.Held {
			h.Fatalf("got %+v", c)
		}
	}},
	{"so does a deleted one, and a deleted one that was not there", func(h *house) {
		h.put("k=1")
		old := h.begin("")
		h.put("k", "nothing")
		old.lockConflict(kv.How{}, "k")
		old.lockConflict(kv.How{}, "nothing")
	}},
	{"absent: a visible key exists", func(h *house) {
		h.put("k=1")
		tx := h.begin("")
		wantErr(h, tx.tryLock(kv.How{Absent: true}, "k"), kv.ErrExists)
		tx.put("own=1", "k")
		wantErr(h, tx.tryLock(kv.How{Absent: true}, "own"), kv.ErrExists)
		noErr(h, tx.tryLock(kv.How{Absent: true}, "k")) // deleted here.
		noErr(h, tx.tryLock(kv.How{Absent: true}, "new"))
	}},
	{"absent: it exists before anything is compared or waited for", func(h *house) {
		h.put("k=1", "l=1")
		tx := h.begin("")
		h.put("k")
		holder := h.begin("")
		holder.put("l")
		wantErr(h, tx.tryLock(kv.How{Absent: true}, "k"), kv.ErrExists)
		wantErr(h, tx.tryLock(kv.How{Absent: true, Wait: true}, "l"), kv.ErrExists)
	}},
	{"absent: a younger key is a conflict", func(h *house) {
		tx := h.begin("")
		h.put("k=1")
		tx.lockConflict(kv.How{Absent: true}, "k")
	}},
	{"savepoints keep claims, until the end", func(h *house) {
		a, b := h.begin(""), h.begin("")
		at := a.Savepoint()
		a.put("k=1")
		a.RollbackTo(at)
		b.lockConflict(kv.How{}, "k")
		a.commit()
		b.lock("k") // nothing was written.
	}},
	{"two writers of one key, one commits", func(h *house) {
		h.put("k=0")
		a, b := h.begin(""), h.begin("")
		a.want("k=0")
		b.want("k=0")
		a.put("k=1")
		a.commit()
		b.lockConflict(kv.How{}, "k")
		h.begin("").want("k=1")
	}},
	{"write skew is allowed", func(h *house) {
		h.put("a=1", "b=1")
		x, y := h.begin(""), h.begin("")
		x.want("b=1")
		y.want("a=1")
		x.put("a=0")
		y.put("b=0")
		x.commit()
		y.commit()
		h.begin("").want("a=0", "b=0")
	}},
	{"writes without a lock are the caller's to answer for", func(h *house) {
		a, b := h.begin(""), h.begin("")
		a.set("flag", "1")
		b.set("flag", "1")
		a.commit()
		b.commit()
		h.begin("").want("flag=1")
	}},
}
