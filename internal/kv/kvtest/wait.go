package kvtest

import (
	"context"
	"sync"
	"time"

	"github.com/pandodb/pando/internal/kv"
)

var waits = kv.How{Wait: true}

// wait has tx wait for key elsewhere.
func (tx txn) wait(key string) func() error {
	return tx.h.async(func() error { return tx.tryLock(waits, key) })
}

var reserves = kv.How{Wait: true, Reserve: true}

var waitCases = []testCase{
	{"a reserved key is kept from others and counts as not written", func(h *house) {
		reader, a := h.begin("reader"), h.begin("a")
		noErr(h, a.tryLock(reserves, "k"))
		if c := h.begin("").lockConflict(kv.How{}, "k"); !c.Held {
			h.Fatalf("got %+v", c)
		}
		a.put("other=1")
		a.commit()
		reader.lock("k") // nothing newer than its snapshot.
	}},
	{"a reserved key that is locked counts as written", func(h *house) {
		reader, a := h.begin("reader"), h.begin("a")
		noErr(h, a.tryLock(reserves, "k"))
		a.lock("k")
		noErr(h, a.tryLock(reserves, "k"))
		at := a.commit()
		if c := reader.lockConflict(kv.How{}, "k"); c.Winner != at {
			h.Fatalf("got %+v", c)
		}
	}},
	{"what was locked for an undone write counts as not written", func(h *house) {
		reader, a := h.begin("reader"), h.begin("a")
		a.put("before=1")
		at := a.Savepoint()
		a.put("undone=1")
		a.put("again=1")
		a.RollbackTo(at)
		if c := h.begin("").lockConflict(kv.How{}, "undone"); !c.Held {
			h.Fatalf("got %+v", c)
		}
		a.put("again=2")
		won := a.commit()
		reader.lock("undone")
		for _, key := range []string{"before", "again"} {
			if c := reader.lockConflict(kv.How{}, key); c.Winner != won {
				h.Fatalf("%s: got %+v", key, c)
			}
		}
	}},
	{"a transaction that has only reserved commits nothing", func(h *house) {
		a := h.begin("a")
		noErr(h, a.tryLock(reserves, "k"))
		if at := a.commit(); at != a.ReadTime() {
			h.Fatalf("committed at %d, read at %d", at, a.ReadTime())
		}
		h.begin("").lock("k")
	}},
	{"a reservation waits its turn, and is handed over as one", func(h *house) {
		a, b := h.begin("a"), h.begin("b")
		a.lock("k")
		got := h.async(func() error { return b.tryLock(reserves, "k") })
		h.untilWaiting(1)
		a.Rollback()
		noErr(h, got())
		reader := h.begin("reader")
		b.put("other=1")
		b.commit()
		reader.lock("k")
	}},
	{"nobody waits behind more than may wait", func(h *house) {
		bounded := kv.How{Wait: true, WaitersMax: 1}
		a, b, c := h.begin("a"), h.begin("b"), h.begin("c")
		a.lock("k")
		got := h.async(func() error { return b.tryLock(bounded, "k") })
		h.untilWaiting(1)
		full := c.lockConflict(bounded, "k")
		if !full.Held || full.Waiters != 1 || string(full.Key) != "k" || full.Claimed {
			h.Fatalf("got %+v", full)
		}
		c.lock("other") // and goes on.
		a.Rollback()
		noErr(h, got())
		if later := c.lockConflict(kv.How{}, "k"); !later.Held || later.Waiters != 0 {
			h.Fatalf("got %+v", later)
		}
	}},
	{"the claim comes when the holder gives it up", func(h *house) {
		a, b := h.begin("a"), h.begin("b")
		a.lock("k")
		got := b.wait("k")
		h.untilWaiting(1)
		a.Rollback()
		noErr(h, got())
		b.put("k=1")
		b.commit()
		h.begin("").want("k=1")
	}},
	{"if the holder commits the claim needs a refresh", func(h *house) {
		a, b := h.begin("a"), h.begin("b")
		b.want("k")
		a.lock("k")
		got := b.wait("k")
		h.untilWaiting(1)
		a.set("k", "1")
		at := a.commit()
		c := wantConflict(h, got())
		if !c.Claimed || c.Held || c.Winner != at {
			h.Fatalf("got %+v", c)
		}
		if c := b.lockConflict(kv.How{}, "k"); !c.Claimed {
			h.Fatalf("asked again: %+v", c)
		}
		h.begin("").lockConflict(kv.How{}, "k") // it is b's.
		if !h.Caps().RefreshKeepsClaims {
			return
		}
		b.refresh()
		b.want("k=1")
		b.lock("k")
		b.put("k=2")
		b.commit()
		h.begin("").want("k=2")
	}},
	{"what was waited for and not locked again counts as not written", func(h *house) {
		if !h.Caps().RefreshKeepsClaims {
			h.Skip("needs claims that last")
		}
		h.put("k=0", "m=0")
		a, b, c := h.begin("a"), h.begin("b"), h.begin("c")
		c.put("m=1")
		a.lock("k")
		got := c.wait("k")
		h.untilWaiting(1)
		a.set("k", "1")
		a.commit()
		wantConflict(h, got())
		c.refresh()
		reader := h.begin("reader")
		b.lockConflict(kv.How{}, "k") // it is c's all the same.
		if at := c.commit(); at != reader.ReadTime() {
			h.Fatalf("committed at %d having written nothing, read at %d", at, reader.ReadTime())
		}
		reader.lock("k", "m")
	}},
	{"without a refresh the commit fails", func(h *house) {
		a, b := h.begin("a"), h.begin("b")
		a.lock("k")
		got := b.wait("k")
		h.untilWaiting(1)
		a.commit()
		wantConflict(h, got())
		b.set("k", "2")
		_, err := b.Commit(h.ctx)
		wantConflict(h, err)
		h.begin("").want("k")
	}},
	{"a free key that is newer is claimed too", func(h *house) {
		tx := h.begin("")
		h.put("k=1")
		if c := tx.lockConflict(waits, "k"); !c.Claimed {
			h.Fatalf("got %+v", c)
		}
		h.begin("").lockConflict(kv.How{}, "k")
		tx.refresh()
		tx.want("k=1")
		if h.Caps().RefreshKeepsClaims {
			tx.put("k=2")
			tx.commit()
		}
	}},
	{"first come, first served", func(h *house) {
		if !h.Caps().FairWaiting {
			h.Skip("the engine does not wait fairly")
		}
		const n = 10
		holder := h.begin("holder")
		holder.lock("k")
		var mu sync.Mutex
		var order []int
		var all []func() error
		for i := range n {
			tx := h.begin("")
			all = append(all, h.async(func() error {
				if err := tx.tryLock(waits, "k"); err != nil {
					return err
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				tx.Rollback()
				return nil
			}))
			h.untilWaiting(i + 1)
		}
		h.begin("").lockConflict(kv.How{}, "k")
		holder.Rollback()
		for _, wait := range all {
			noErr(h, wait())
		}
		for i, got := range order {
			if got != i {
				h.Fatalf("served in the order %v", order)
			}
		}
	}},
	{"the context ends the wait", func(h *house) {
		a, b, c := h.begin("a"), h.begin("b"), h.begin("c")
		a.lock("k")
		ctx, cancel := context.WithCancel(h.ctx)
		got := h.async(func() error { return b.Lock(ctx, waits, []byte("k")) })
		h.untilWaiting(1)
		then := c.wait("k")
		h.untilWaiting(2)
		cancel()
		wantErr(h, got(), context.Canceled)
		h.untilWaiting(1)
		a.Rollback()
		noErr(h, then())
		b.want("k") // b is not over.
	}},
	{"a rollback from elsewhere ends the wait", func(h *house) {
		a, b := h.begin("a"), h.begin("b")
		a.lock("k")
		got := b.wait("k")
		h.untilWaiting(1)
		b.Rollback()
		wantErr(h, got(), kv.ErrClosed)
		a.Rollback()
		h.begin("").lock("k")
	}},
	{"two in a deadlock: the younger gives way", func(h *house) {
		now := time.Unix(1_700_000_000, 0)
		for _, youngerLast := range []bool{true, false} {
			old := h.beginWith(kv.Options{Note: "old", Born: now})
			young := h.beginWith(kv.Options{Note: "young", Born: now.Add(time.Second)})
			old.lock("a")
			young.lock("b")
			var wait, victim func() error
			if youngerLast {
				wait = old.wait("b")
				h.untilWaiting(1)
				victim = young.wait("a")
			} else {
				victim = young.wait("a")
				h.untilWaiting(1)
				wait = old.wait("b")
			}
			if c := wantConflict(h, victim()); !c.Deadlock || c.Claimed {
				h.Fatalf("got %+v", c)
			}
			young.Rollback()
			noErr(h, wait())
			old.Rollback()
		}
	}},
	{"a ring of five: one gives way, the others end", func(h *house) {
		const n = 5
		now := time.Unix(1_700_000_000, 0)
		ring := make([]txn, n)
		for i := range n {
			ring[i] = h.beginWith(kv.Options{Born: now.Add(time.Duration((i*3)%n) * time.Second)})
			ring[i].lock(key(i))
		}
		var all []func() error
		for i, tx := range ring {
			all = append(all, h.async(func() error {
				defer tx.Rollback()
				return tx.tryLock(waits, key((i+1)%n))
			}))
			if i < n-1 {
				h.untilWaiting(i + 1)
			}
		}
		for i, wait := range all {
			err := wait()
			if (i*3)%n == n-1 {
				if c := wantConflict(h, err); !c.Deadlock {
					h.Fatalf("got %+v", c)
				}
				continue
			}
			noErr(h, err)
		}
	}},
	{"a long queue is no deadlock", func(h *house) {
		holder := h.begin("")
		holder.lock("k")
		var all []func() error
		for i := range 50 {
			tx := h.begin("")
			tx.lock(key(i))
			all = append(all, h.async(func() error {
				defer tx.Rollback()
				return tx.tryLock(waits, "k")
			}))
		}
		h.untilWaiting(50)
		holder.Rollback()
		for _, wait := range all {
			noErr(h, wait())
		}
	}},
}
