package kvtest

import (
	"fmt"

	"github.com/pandodb/pando/internal/kv"
)

func (h *house) serial(note string) txn {
	h.Helper()
	if !h.Caps().Serializable {
		h.Skip("the engine has no serializable transactions")
	}
	return h.beginWith(kv.Options{Serializable: true, Note: note})
}

// loses commits, and wants to hear that what was read is not so any more.
func (tx txn) loses(k string) *kv.Conflict {
	tx.h.Helper()
	_, err := tx.Commit(tx.h.ctx)
	c := wantConflict(tx.h, err)
	if !c.Read || c.Held || string(c.Key) != k {
		tx.h.Fatalf("got %+v, want a conflict about having read %q", c, k)
	}
	return c
}

// next moves it n times.
func next(h *house, it kv.Iterator, n int) {
	h.Helper()
	for range n {
		if !it.Next() {
			h.Fatalf("the scan has ended: %v", it.Err())
		}
	}
}

// rg is the range of keys in [lower, upper), where "" is open.
func rg(lower, upper string) kv.Range {
	var r kv.Range
	if lower != "" {
		r.Lower = []byte(lower)
	}
	if upper != "" {
		r.Upper = []byte(upper)
	}
	return r
}

func backwards(r kv.Range) kv.Range { r.Reverse = true; return r }

var serialCases = []testCase{
	{"write skew: the second to commit loses", func(h *house) {
		h.put("a=1", "b=1")
		x, y := h.serial("x"), h.serial("y")
		x.want("b=1")
		y.want("a=1")
		x.put("a=0")
		y.put("b=0")
		at := x.commit()
		if c := y.loses("a"); c.Winner != at {
			h.Fatalf("got winner %d, want %d", c.Winner, at)
		}
		h.begin("").want("a=0", "b=1")
	}},
	{"the same at snapshot: both commit", func(h *house) {
		h.serial("").Rollback() // while none is open, or has been, and while one is.
		for range 2 {
			h.put("a=1", "b=1")
			x, y := h.begin("x"), h.begin("y")
			x.want("b=1")
			y.want("a=1")
			x.put("a=0")
			y.put("b=0")
			x.commit()
			y.commit()
			h.begin("").want("a=0", "b=0")
			h.serial("bystander")
		}
	}},
	{"a write outside counts", func(h *house) {
		h.put("a=1", "b=1")
		x := h.serial("x")
		x.want("a=1")
		x.put("b=2")
		h.put("a=2")
		x.loses("a")
	}},
	{"12: a range that was empty", func(h *house) {
		x := h.serial("x")
		x.wantScan(rg("k", "l"))
		x.put("k1=x")
		h.put("k5=u")
		x.loses("k5")
		h.begin("").want("k1", "k5=u")
	}},
	{"12: the other way round both may commit", func(h *house) {
		x := h.serial("x")
		x.wantScan(rg("k", "l"))
		x.put("k1=x")
		u := h.begin("u")
		u.put("k5=u")
		x.commit()
		u.commit()
	}},
	{"a key that was not there", func(h *house) {
		x := h.serial("x")
		x.want("a")
		x.put("b=1")
		h.put("a=1")
		x.loses("a")
	}},
	{"a key that was deleted, and one written as it was", func(h *house) {
		h.put("a=1")
		x, y := h.serial("x"), h.serial("y")
		x.want("a=1")
		y.want("a=1")
		x.put("b=1")
		y.put("c=1")
		h.put("a")
		x.loses("a")
		h.put("a=1")
		y.loses("a")
	}},
	{"written without a lock counts too", func(h *house) {
		x := h.serial("x")
		x.want("flag")
		x.put("b=1")
		u := h.begin("u")
		u.set("flag", "1")
		u.commit()
		x.loses("flag")
	}},
	{"locked and not written does not", func(h *house) {
		x := h.serial("x")
		x.want("a")
		x.put("b=1")
		u := h.begin("u")
		u.lock("a")
		u.put("c=1")
		u.commit()
		x.commit()
	}},
	{"what was not read does not", func(h *house) {
		h.put("a=1", "c=1", "e=1")
		x := h.serial("x")
		x.want("c=1")
		x.wantBoth(rg("c", "e"), "c=1")
		x.put("z=1")
		h.put("a=2", "b=2", "e=2", "f=2")
		x.commit()
	}},
	{"who only read commits, whatever happened", func(h *house) {
		h.put("a=1")
		x, y := h.serial("x"), h.serial("y")
		x.want("a=1")
		y.want("a=1")
		y.lock("z")
		at := x.ReadTime()
		h.put("a=2")
		if got := x.commit(); got != at {
			h.Fatalf("a reader at %d commits at %d", at, got)
		}
		y.commit()
	}},
	{"own writes are not read", func(h *house) {
		x := h.serial("x")
		x.set("flag", "1")
		x.want("flag=1")
		x.put("b=1")
		u := h.begin("u")
		u.set("flag", "1")
		u.commit()
		x.commit()
	}},
	{"refresh forgets what was read", func(h *house) {
		h.put("a=1")
		x := h.serial("x")
		x.want("a=1")
		it := x.open(kv.Range{})
		next(h, it, 1)
		h.put("a=2")
		x.refresh()
		x.put("b=1")
		x.commit()
		y := h.serial("y")
		h.put("a=3")
		y.refresh()
		y.want("a=3")
		y.put("b=1")
		h.put("a=4")
		y.loses("a")
	}},
	{"a savepoint does not", func(h *house) {
		h.put("a=1")
		x := h.serial("x")
		at := x.Savepoint()
		x.want("a=1")
		x.put("b=1")
		x.RollbackTo(at)
		x.put("c=1")
		h.put("a=2")
		x.loses("a")
	}},
	{"all undone is nothing written", func(h *house) {
		h.put("a=1")
		x := h.serial("x")
		x.want("a=1")
		at := x.Savepoint()
		x.put("b=1")
		x.RollbackTo(at)
		h.put("a=2")
		x.commit()
	}},
	{"counters: neither adding nor reading conflicts", func(h *house) {
		x, y := h.serial("x"), h.serial("y")
		for _, tx := range []txn{x, y} {
			tx.want("n")
			noErr(h, tx.Add([]byte("n"), 1))
		}
		x.put("a=1")
		y.put("b=1")
		x.commit()
		y.commit()
		h.wantCount("n", 2)
	}},
	{"who counts has written", func(h *house) {
		x := h.serial("x")
		x.want("a")
		noErr(h, x.Add([]byte("n"), 1))
		h.put("a=1")
		x.loses("a")
	}},
	{"locking what exists has read it", func(h *house) {
		h.put("u=1")
		x := h.serial("x")
		wantErr(h, x.tryLock(kv.How{Absent: true}, "u"), kv.ErrExists)
		x.put("b=1")
		h.put("u")
		x.loses("u")
	}},
	{"flags: one sets what the other did not see", func(h *house) {
		// Two documents make two paths of one index multikey, and each writer relied
		// on the other path being none.
		h.put("flags=none")
		x, y := h.serial("x"), h.serial("y")
		x.wantScan(rg("flag1", "flag3"))
		y.wantScan(rg("flag1", "flag3"))
		x.set("flag1", "1")
		y.set("flag2", "1")
		x.commit()
		y.loses("flag1")
	}},
	{"a dropped range was written", func(h *house) {
		if !h.Caps().DropRange {
			h.Skip("the engine drops no ranges")
		}
		h.put("b=1", "d=1", "catalog=there")
		x, y, z := h.serial("x"), h.serial("y"), h.serial("z")
		x.wantScan(rg("b", "c"), "b=1")
		y.want("bb")
		z.want("d=1")
		at := h.put("catalog")
		noErr(h, h.DropRange(h.ctx, []byte("b"), []byte("c"), at))
		for _, tx := range []txn{x, y, z} {
			tx.put("e=" + "1")
			if tx == z {
				tx.commit()
				continue
			}
			tx.loses("b")
		}
		younger := h.serial("younger")
		younger.wantScan(rg("b", "e"), "d=1")
		younger.put("f=1")
		younger.commit()
	}},
	{"reading the past", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("the engine has no past reads")
		}
		h.serial("keeps the log")
		at := h.put("a=1", "b=1")
		h.put("a=2")
		x := h.beginWith(kv.Options{Serializable: true, At: at})
		y := h.beginWith(kv.Options{Serializable: true, At: at})
		x.want("a=1")
		y.want("b=1")
		x.put("c=1")
		y.put("d=1")
		x.loses("a")
		y.commit()
	}},
	{"reading a past that was not kept", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("the engine has no past reads")
		}
		at := h.put("a=1")
		h.put("a=2")
		h.serial("").Rollback()
		x := h.beginWith(kv.Options{Serializable: true, At: at})
		x.want("a=1")
		x.put("c=1")
		_, err := x.Commit(h.ctx)
		if c := wantConflict(h, err); !c.Read || !c.Floor {
			h.Fatalf("got %+v", c)
		}
	}},
	{"one wins in a ring of three", func(h *house) {
		h.put("a=0", "b=0", "c=0")
		ring := []string{"a", "b", "c"}
		var all []txn
		for i, k := range ring {
			tx := h.serial(k)
			tx.want(ring[(i+1)%3] + "=0")
			tx.put(k + "=1")
			all = append(all, tx)
		}
		all[0].commit()
		all[1].commit() // before the first one, which did not see it; so it is no ring.
		all[2].loses("a")
	}},
	{"an invariant over many rows, by many at once", manySkews},
}

// manySkews has workers take one from any of the accounts while their sum, which
// each reads by a scan, stays positive.
func manySkews(h *house) {
	const accounts, workers, start = 6, 4, 5
	for i := range accounts {
		h.put(fmt.Sprintf("acct%d=%d", i, start))
	}
	h.serial("").Rollback()
	take := func(who int) (more bool, err error) {
		tx, err := h.Store.Begin(h.ctx, kv.Options{Serializable: true})
		if err != nil {
			return false, err
		}
		defer tx.Rollback()
		sum, mine := 0, 0
		it, err := tx.Scan(h.ctx, rg("acct", "accu"))
		if err != nil {
			return false, err
		}
		for it.Next() {
			var n int
			if _, err := fmt.Sscan(string(it.Value()), &n); err != nil {
				return false, err
			}
			if string(it.Key()) == fmt.Sprintf("acct%d", who) {
				mine = n
			}
			sum += n
		}
		if err := it.Close(); err != nil || sum == 0 {
			return false, err
		}
		k := fmt.Appendf(nil, "acct%d", who)
		if err = tx.Lock(h.ctx, kv.How{}, k); err == nil {
			if err = tx.Set(k, fmt.Append(nil, mine-1)); err == nil {
				_, err = tx.Commit(h.ctx)
			}
		}
		if _, lost := asConflict(err); lost {
			err = nil
		}
		return true, err
	}
	var all []func() error
	for who := range workers {
		all = append(all, h.async(func() error {
			for {
				if more, err := take(who); !more || err != nil {
					return err
				}
			}
		}))
	}
	for _, wait := range all {
		noErr(h, wait())
	}
	sum := 0
	for _, pair := range h.begin("").scan(rg("acct", "accu")) {
		var n int
		if _, err := fmt.Sscanf(pair[len("acctN="):], "%d", &n); err != nil {
			h.Fatal(err)
		}
		sum += n
	}
	if sum != 0 {
		h.Fatalf("the sum is %d, and may not go below 0", sum)
	}
}
