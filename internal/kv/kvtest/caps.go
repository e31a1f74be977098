package kvtest

import (
	"errors"

	"github.com/pandodb/pando/internal/kv"
)

func asConflict(err error) (*kv.Conflict, bool) { return errors.AsType[*kv.Conflict](err) }

// capabilities is what engines may differ in: how to ask for each, and so what to
// answer if it is missing (ErrUnsupported) or there (nil).
var capabilities = []struct {
	name string
	has  func(kv.Caps) bool
	try  func(h *house) error
}{
	{"past reads", func(c kv.Caps) bool { return c.PastReads }, func(h *house) error {
		tx, err := h.Begin(h.ctx, kv.Options{At: h.put("a=1")})
		if err == nil {
			tx.Rollback()
		}
		return err
	}},
	{"serializable", func(c kv.Caps) bool { return c.Serializable }, func(h *house) error {
		tx, err := h.Begin(h.ctx, kv.Options{Serializable: true})
		if err == nil {
			tx.Rollback()
		}
		return err
	}},
	{"stamps", func(c kv.Caps) bool { return c.Stamps }, func(h *house) error {
		tx := h.begin("")
		defer tx.Rollback()
		tx.lock("a")
		return tx.SetStamped([]byte("a"), make([]byte, 8), 0)
	}},
	{"drop range", func(c kv.Caps) bool { return c.DropRange }, func(h *house) error {
		return h.DropRange(h.ctx, []byte("a"), []byte("b"), h.put("a=1"))
	}},
}

var capsCases = []testCase{
	{"what is missing is refused, what is there works", func(h *house) {
		for _, c := range capabilities {
			err := c.try(h)
			if c.has(h.Caps()) {
				if err != nil {
					h.Errorf("%s: %v", c.name, err)
				}
			} else if !errors.Is(err, kv.ErrUnsupported) {
				h.Errorf("%s: got %v, want %v", c.name, err, kv.ErrUnsupported)
			}
		}
	}},
	{"sizes", func(h *house) {
		c := h.Caps()
		if c.ValueBytesMax < 16<<20+16<<10 {
			h.Errorf("no room for a document in %d bytes", c.ValueBytesMax)
		}
		if c.TxnBytesMax < c.ValueBytesMax {
			h.Errorf("no room for a value in %d bytes", c.TxnBytesMax)
		}
	}},
	{"dropped ranges are seen by older snapshots only", func(h *house) {
		if !h.Caps().DropRange {
			h.Skip("the engine drops no ranges")
		}
		h.put("a=1", "b=1", "b1=1", "c=1", "catalog=there")
		tx := h.begin("")
		noErr(h, tx.Add([]byte("bn"), 5))
		tx.commit()
		old := h.begin("")
		at := h.put("catalog")
		noErr(h, h.DropRange(h.ctx, []byte("b"), []byte("c"), at))
		old.want("b=1", "b1=1")
		h.put("d=1")
		h.begin("").wantBoth(kv.Range{}, "a=1", "c=1", "d=1")
		old.want("b=1", "b1=1", "catalog=there")
		tx = h.begin("")
		noErr(h, tx.Add([]byte("bn"), 1))
		tx.commit()
		h.wantCount("bn", 1) // not 6: the old count was dropped too.
	}},
	{"close ends what is open", func(h *house) {
		h.put("a=1", "b=1")
		tx := h.begin("")
		it := tx.open(kv.Range{})
		wantNext(h, it, "a=1")
		tx.put("a=2")
		noErr(h, h.Close())
		_, err := tx.Get(h.ctx, []byte("a"), nil)
		wantErr(h, err, kv.ErrClosed)
		if it.Next() {
			h.Fatal("an iterator outlived the store")
		}
		wantErr(h, it.Err(), kv.ErrClosed)
		_, err = tx.Commit(h.ctx)
		wantErr(h, err, kv.ErrClosed)
		_, err = h.Begin(h.ctx, kv.Options{})
		wantErr(h, err, kv.ErrClosed)
		noErr(h, it.Close())
		noErr(h, h.Close())
	}},
	{"close ends who waits", func(h *house) {
		a, b := h.begin("a"), h.begin("b")
		a.lock("k")
		got := b.wait("k")
		h.untilWaiting(1)
		noErr(h, h.Close())
		wantErr(h, got(), kv.ErrClosed)
	}},
}
