package kvtest

import (
	"fmt"
	"sync"

	"github.com/pandodb/pando/internal/kv"
)

// historyCases are the storage protocol's histories, by their numbers there, as
// far as they are the engine's. Each of them once broke a draft.
var historyCases = []testCase{
	{"1: a younger commit stays unseen, a deleted key hidden", func(h *house) {
		h.put("b=0", "c=0")
		tx := h.begin("T")
		h.put("a=110")
		tx.wantBoth(kv.Range{}, "b=0", "c=0")
		tx.put("aa=1", "c")
		tx.wantBoth(kv.Range{}, "aa=1", "b=0")
		tx.want("a", "c")
	}},
	{"2: nobody was there to remember for", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("needs a transaction that begins in the past")
		}
		at := h.put("x=0")
		h.put("x=1")
		tx := h.beginWith(kv.Options{At: at})
		tx.want("x=0")
		tx.lockConflict(kv.How{}, "x")
	}},
	{"2: begin races with commits", beginRaces},
	{"8: what is visible is seen, durable or not", func(h *house) {
		for i := range 100 {
			at := h.put(fmt.Sprintf("k=%d", i))
			tx := h.begin("T")
			if tx.ReadTime() < at {
				h.Fatalf("reads at %d after a commit at %d", tx.ReadTime(), at)
			}
			tx.want(fmt.Sprintf("k=%d", i))
			tx.Rollback()
		}
	}},
	{"9: the statement runs again as a whole", func(h *house) {
		if !h.Caps().RefreshKeepsClaims {
			h.Skip("needs claims that last")
		}
		h.put("d1=0", "d9=0")
		holder, tx := h.begin("U"), h.begin("T")
		holder.lock("d9")
		tx.put("d1=1")
		got := tx.wait("d9")
		h.untilWaiting(1)
		holder.put("d9=5", "d2=5")
		holder.commit()
		wantConflict(h, got())
		tx.refresh()
		tx.want("d1=0", "d2=5", "d9=5")
		h.begin("").lockConflict(kv.How{}, "d1")
		tx.put("d1=6", "d9=6")
		tx.commit()
		h.begin("").want("d1=6", "d2=5", "d9=6")
	}},
	{"11: an insert over a delete that is not seen", func(h *house) {
		h.put("u=5")
		tx := h.begin("T")
		h.put("u")
		wantErr(h, tx.tryLock(kv.How{Absent: true}, "u"), kv.ErrExists)
	}},
	{"13: a key that was locked and not written", func(h *house) {
		t2 := h.begin("T2")
		t1 := h.begin("T1")
		t1.lock("x")
		t1.put("y=1")
		t1.commit()
		t2.lockConflict(kv.How{}, "x")
	}},
	{"14: between two commits", func(h *house) {
		if !h.Caps().PastReads {
			h.Skip("the engine has no past reads")
		}
		first := h.put("x=150")
		noErr(h, h.Advance(h.ctx, first+100))
		h.put("x=160")
		for _, at := range []kv.Time{first + 1, first + 99} {
			tx, err := h.Begin(h.ctx, kv.Options{At: at})
			if err != nil {
				wantErr(h, err, kv.ErrSnapshotTooOld)
				continue
			}
			txn{tx, h}.want("x=150")
			tx.Rollback()
		}
	}},
	{"18: many cursors and transactions", manySnapshots},
}

// beginRaces has readers begin while pairs of keys are written: each must see a
// whole commit, not older than what it knows of, and a write of one that saw the
// older state must be refused.
func beginRaces(h *house) {
	const rounds, readers = 300, 3
	h.put("x=0", "y=0")
	stop := make(chan struct{})
	var all []func() error
	for range readers {
		all = append(all, h.async(func() error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				if err := h.incrementPair(); err != nil {
					return err
				}
			}
		}))
	}
	for range rounds {
		noErr(h, h.incrementPair())
	}
	close(stop)
	for _, wait := range all {
		noErr(h, wait())
	}
}

// incrementPair adds one to x and y, which are equal; losing is fine.
func (h *house) incrementPair() error {
	known := h.Visible()
	tx, err := h.Store.Begin(h.ctx, kv.Options{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if tx.ReadTime() < known {
		return fmt.Errorf("reads at %d, and %d was visible before", tx.ReadTime(), known)
	}
	x, err := h.balance(tx, []byte("x"))
	if err != nil {
		return err
	}
	y, err := h.balance(tx, []byte("y"))
	if err != nil || x != y {
		return fmt.Errorf("x is %d and y is %d: %w", x, y, err)
	}
	err = tx.Lock(h.ctx, kv.How{}, []byte("x"), []byte("y"))
	if err == nil {
		for _, k := range []string{"x", "y"} {
			if err := tx.Set([]byte(k), fmt.Append(nil, x+1)); err != nil {
				return err
			}
		}
		_, err = tx.Commit(h.ctx)
	}
	if _, lost := asConflict(err); lost {
		return nil
	}
	return err
}

func manySnapshots(h *house) {
	const cursors, txns, commits = 1000, 300, 2000
	h.put("a=0", "b=0")
	var open []txn
	var iters []kv.Iterator
	for i := range cursors + txns {
		tx := h.begin("reader")
		tx.want("a=" + fmt.Sprint(i))
		if i < cursors {
			it := tx.open(kv.Range{})
			it.Next()
			iters = append(iters, it)
		}
		open = append(open, tx)
		h.put(fmt.Sprintf("a=%d", i+1))
	}
	for i := range commits {
		h.put(fmt.Sprintf("a=%d", i))
	}
	if h.engine.Snapshots != nil {
		if n := h.engine.Snapshots(h.Store); n > cursors+txns+2*commits {
			h.Fatalf("%d snapshots are held", n)
		}
	}
	open[7].want("a=7") // still.
	var wg sync.WaitGroup
	wg.Go(func() {
		for i, it := range iters {
			if err := it.Close(); err != nil {
				h.Error(err)
			}
			open[i].Rollback()
		}
	})
	for range 200 {
		h.begin("").want("b=0")
	}
	wg.Wait()
	for _, tx := range open {
		tx.Rollback()
	}
}
