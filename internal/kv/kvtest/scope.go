package kvtest

import (
	"encoding/binary"
	"errors"

	"github.com/pandodb/pando/internal/kv"
)

var scopeCases = []testCase{
	{"a savepoint undoes what came after", func(h *house) {
		h.put("a=1", "b=1")
		tx := h.begin("")
		tx.put("a=2")
		at := tx.Savepoint()
		tx.put("a=3", "a=4", "b", "c=1")
		tx.RollbackTo(at)
		tx.want("a=2", "b=1", "c")
		tx.put("c=5")
		tx.commit()
		h.begin("").want("a=2", "b=1", "c=5")
	}},
	{"savepoints nest, and are used again", func(h *house) {
		tx := h.begin("")
		start := tx.Savepoint()
		tx.put("a=1")
		one := tx.Savepoint()
		tx.put("a=2", "b=2")
		two := tx.Savepoint()
		tx.put("a", "b=3", "c=3")
		tx.RollbackTo(two)
		tx.want("a=2", "b=2", "c")
		tx.put("c=4")
		tx.RollbackTo(two)
		tx.want("a=2", "b=2", "c")
		tx.RollbackTo(one)
		tx.want("a=1", "b", "c")
		tx.put("a=5")
		tx.RollbackTo(one)
		tx.want("a=1")
		tx.RollbackTo(start)
		tx.want("a")
		tx.wantBoth(kv.Range{})
	}},
	{"size is of what would be written", func(h *house) {
		tx := h.begin("")
		if n := tx.Size(); n != 0 {
			h.Fatalf("an empty transaction has %d bytes", n)
		}
		tx.put("key=0123456789")
		one := tx.Size()
		if one < 13 || one > 64 {
			h.Fatalf("13 bytes are %d", one)
		}
		at := tx.Savepoint()
		tx.put("key=01234567890123456789", "other=1", "other")
		if n := tx.Size(); n < one+15 {
			h.Fatalf("more than %d bytes are %d", one+15, n)
		}
		tx.RollbackTo(at)
		if n := tx.Size(); n != one {
			h.Fatalf("%d bytes are back at %d", one, n)
		}
		for range 100 {
			tx.put("key=9876543210")
		}
		if n := tx.Size(); n != one {
			h.Fatalf("a rewritten key counts %d, not %d", n, one)
		}
		tx.RollbackTo(0)
		if n := tx.Size(); n != 0 {
			h.Fatalf("all undone leaves %d", n)
		}
	}},
	{"refresh drops writes and takes the newest snapshot", func(h *house) {
		h.put("a=1", "b=1")
		tx := h.begin("")
		tx.put("b=2")
		at := h.put("a=2")
		tx.want("a=1", "b=2")
		tx.refresh()
		tx.want("a=2", "b=1")
		if tx.ReadTime() != at {
			h.Fatalf("reads at %d, want %d", tx.ReadTime(), at)
		}
		if n := tx.Size(); n != 0 {
			h.Fatalf("%d bytes are left", n)
		}
		if h.Caps().RefreshKeepsClaims {
			h.begin("").lockConflict(kv.How{}, "b")
		}
		tx.put("a=3")
		tx.commit()
		h.begin("").want("a=3", "b=1")
	}},
	{"refresh drops checks and counts", func(h *house) {
		tx := h.begin("")
		noErr(h, tx.Check([]byte("c")))
		noErr(h, tx.Add([]byte("n"), 5))
		h.put("c=1")
		tx.refresh()
		tx.put("a=1")
		tx.commit()
		h.begin("").want("a=1", "n")
	}},
	{"check: a key committed after the snapshot fails the commit", func(h *house) {
		tx := h.begin("")
		noErr(h, tx.Check([]byte("c"), []byte("d")))
		tx.put("a=1")
		at := h.put("d=1")
		_, err := tx.Commit(h.ctx)
		if c := wantConflict(h, err); string(c.Key) != "d" || c.Winner != at {
			h.Fatalf("got %+v", c)
		}
		h.begin("").want("a", "d=1")
	}},
	{"check: a deleted key too, and one that was only locked", func(h *house) {
		h.put("c=1")
		for _, change := range []func(){
			func() { h.put("c") },
			func() { tx := h.begin(""); tx.lock("c"); tx.commit() },
		} {
			tx := h.begin("")
			noErr(h, tx.Check([]byte("c")))
			tx.put("a=1")
			change()
			_, err := tx.Commit(h.ctx)
			wantConflict(h, err)
		}
	}},
	{"check of a range: any key in it that was committed after the snapshot", func(h *house) {
		h.put("b=1", "c=1", "d=1")
		for _, change := range []struct {
			kv   string
			lost bool
		}{{"b=2", true}, {"bb=1", true}, {"c", true}, {"czz=1", true}, {"a=1", false}, {"d=2", false}, {"d", false}} {
			tx := h.begin("")
			noErr(h, tx.CheckRange([]byte("b"), []byte("d")))
			tx.put("z=1")
			at := h.put(change.kv)
			_, err := tx.Commit(h.ctx)
			if !change.lost {
				noErr(h, err)
			} else if c := wantConflict(h, err); string(c.Key) != change.kv[:len(c.Key)] || c.Winner != at {
				h.Fatalf("%s: got %+v", change.kv, c)
			}
		}
	}},
	{"check of a range: own writes, and what others hold, are no conflict", func(h *house) {
		h.put("b=1")
		tx, other := h.begin(""), h.begin("")
		noErr(h, tx.CheckRange([]byte("b"), []byte("d")))
		tx.put("b=2")
		other.lock("c")
		tx.commit()
		other.put("c=1")
		other.commit()
		h.begin("").want("b=2", "c=1")
	}},
	{"check of a range: a savepoint and a refresh undo it", func(h *house) {
		tx, second := h.begin(""), h.begin("")
		at := tx.Savepoint()
		noErr(h, tx.CheckRange([]byte("b"), []byte("d")))
		tx.RollbackTo(at)
		noErr(h, second.CheckRange([]byte("b"), []byte("d")))
		h.put("c=1")
		second.refresh()
		tx.put("a=1")
		tx.commit()
		second.put("e=1")
		second.commit()
	}},
	{"check: also without writes", func(h *house) {
		tx := h.begin("")
		noErr(h, tx.Check([]byte("c")))
		h.put("c=1")
		_, err := tx.Commit(h.ctx)
		wantConflict(h, err)
	}},
	{"checkers do not exclude each other, nor the holder of the key", func(h *house) {
		h.put("c=1")
		a, b, holder := h.begin(""), h.begin(""), h.begin("")
		holder.lock("c")
		noErr(h, a.Check([]byte("c")))
		noErr(h, b.Check([]byte("c")))
		a.put("a=1")
		b.put("b=1")
		a.commit()
		b.commit()
		holder.put("c=2")
		holder.commit()
		h.begin("").want("a=1", "b=1", "c=2")
	}},
	{"one may check what one writes", func(h *house) {
		h.put("c=1")
		tx := h.begin("")
		noErr(h, tx.Check([]byte("c")))
		tx.put("c=2")
		tx.commit()
	}},
	{"a savepoint undoes checks", func(h *house) {
		tx := h.begin("")
		at := tx.Savepoint()
		noErr(h, tx.Check([]byte("c")))
		tx.RollbackTo(at)
		tx.put("a=1")
		h.put("c=1")
		tx.commit()
	}},
	{"counters do not conflict, and are folded", func(h *house) {
		a, b := h.begin(""), h.begin("")
		noErr(h, a.Add([]byte("n"), 5))
		noErr(h, b.Add([]byte("n"), -2))
		noErr(h, b.Add([]byte("m"), 1))
		noErr(h, b.Add([]byte("n"), 1))
		a.want("n") // committed values only.
		a.commit()
		h.wantCount("n", 5)
		b.commit()
		h.wantCount("n", 4)
		h.wantCount("m", 1)
	}},
	{"savepoints undo counts", func(h *house) {
		tx := h.begin("")
		noErr(h, tx.Add([]byte("n"), 1))
		at := tx.Savepoint()
		noErr(h, tx.Add([]byte("n"), 10))
		noErr(h, tx.Add([]byte("n"), 100))
		noErr(h, tx.Add([]byte("m"), 100))
		tx.RollbackTo(at)
		noErr(h, tx.Add([]byte("n"), 1000))
		again := tx.Savepoint()
		noErr(h, tx.Add([]byte("n"), 10000))
		tx.RollbackTo(again)
		tx.commit()
		h.wantCount("n", 1001)
		h.begin("").want("m")
	}},
	{"a rolled back count never was", func(h *house) {
		tx := h.begin("")
		noErr(h, tx.Add([]byte("n"), 5))
		tx.Rollback()
		h.begin("").want("n")
	}},
	{"counts by many at once", func(h *house) {
		const workers, each = 8, 50
		var all []func() error
		for range workers {
			all = append(all, h.async(func() error {
				for range each {
					tx, err := h.Store.Begin(h.ctx, kv.Options{})
					if err != nil {
						return err
					}
					if err := errors.Join(tx.Add([]byte("n"), 3), tx.Add([]byte("n"), -1)); err != nil {
						return err
					}
					if _, err := tx.Commit(h.ctx); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		for _, wait := range all {
			noErr(h, wait())
		}
		h.wantCount("n", workers*each*2)
	}},
}

func (h *house) wantCount(k string, want int64) {
	h.Helper()
	tx := h.begin("")
	defer tx.Rollback()
	got, err := tx.Get(h.ctx, []byte(k), nil)
	noErr(h, err)
	if len(got) != 8 || int64(binary.LittleEndian.Uint64(got)) != want {
		h.Fatalf("counter %s is % x, want %d", k, got, want)
	}
}
