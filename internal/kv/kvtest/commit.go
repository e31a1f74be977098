package kvtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pandodb/pando/internal/kv"
)

var commitCases = []testCase{
	{"all at once, at the time that is told", func(h *house) {
		tx := h.begin("")
		before := tx.ReadTime()
		tx.put("a=1", "b=1")
		at := tx.commit()
		if at <= before {
			h.Fatalf("committed at %d after reading at %d", at, before)
		}
		if h.Visible() != at {
			h.Fatalf("visible is %d, committed at %d", h.Visible(), at)
		}
		next := h.begin("")
		if next.ReadTime() != at {
			h.Fatalf("reads at %d, want %d", next.ReadTime(), at)
		}
		next.want("a=1", "b=1")
	}},
	{"times rise strictly", func(h *house) {
		var last kv.Time
		for i := range 200 {
			at := h.put(fmt.Sprintf("k=%d", i))
			if at <= last {
				h.Fatalf("%d after %d", at, last)
			}
			last = at
		}
	}},
	{"a reader commits at its own time", func(h *house) {
		h.put("a=1")
		tx := h.begin("")
		h.put("b=1")
		tx.want("a=1")
		if at := tx.commit(); at != tx.ReadTime() {
			h.Fatalf("committed at %d, read at %d", at, tx.ReadTime())
		}
	}},
	{"undone writes are no writes", func(h *house) {
		tx := h.begin("")
		at := tx.Savepoint()
		tx.set("a", "1")
		noErr(h, tx.Add([]byte("n"), 1))
		tx.RollbackTo(at)
		if at := tx.commit(); at != tx.ReadTime() {
			h.Fatalf("committed at %d, read at %d", at, tx.ReadTime())
		}
	}},
	{"a context that has ended commits nothing", func(h *house) {
		tx := h.begin("")
		tx.put("a=1")
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		_, err := tx.Commit(ctx)
		wantErr(h, err, context.Canceled)
		next := h.begin("")
		next.want("a")
		next.lock("a")
	}},
	{"rollback leaves nothing", func(h *house) {
		h.put("a=1")
		tx := h.begin("")
		tx.put("a=2", "b=2")
		tx.Rollback()
		tx.Rollback()
		h.begin("").wantBoth(kv.Range{}, "a=1")
	}},
	{"stamps become the commit's time", func(h *house) {
		if !h.Caps().Stamps {
			h.Skip("the engine does not stamp")
		}
		tx := h.begin("")
		value := []byte("........-........!")
		tx.lock("a", "b")
		noErr(h, tx.SetStamped([]byte("a"), value, 0, 9))
		noErr(h, tx.SetStamped([]byte("b"), value))
		want := slices.Concat(make([]byte, 8), []byte("-"), make([]byte, 8), []byte("!"))
		tx.want("a="+string(want), "b="+string(value))
		at := tx.commit()
		stamp := binary.LittleEndian.AppendUint64(nil, uint64(at))
		h.begin("").want("a="+string(slices.Concat(stamp, []byte("-"), stamp, []byte("!"))), "b="+string(value))
	}},
	{"a stamped value that is rewritten is stamped no more", func(h *house) {
		if !h.Caps().Stamps {
			h.Skip("the engine does not stamp")
		}
		tx := h.begin("")
		tx.lock("a", "b")
		noErr(h, tx.SetStamped([]byte("a"), make([]byte, 8), 0))
		tx.set("a", "12345678")
		at := tx.Savepoint()
		noErr(h, tx.SetStamped([]byte("a"), make([]byte, 8), 0))
		tx.RollbackTo(at)
		tx.commit()
		h.begin("").want("a=12345678")
	}},
	{"durable when waited for", func(h *house) {
		at := h.put("a=1")
		noErr(h, h.WaitDurable(h.ctx, at))
		if h.Durable() < at {
			h.Fatalf("durable up to %d, waited for %d", h.Durable(), at)
		}
		if h.Durable() > h.Visible() {
			h.Fatal("durable before it is visible")
		}
		noErr(h, h.WaitDurable(h.ctx, 0))
	}},
	{"a thousand keys", func(h *house) {
		tx := h.begin("")
		for i := range 1000 {
			tx.put(key(i*7919%1000) + "=v")
		}
		tx.commit()
		if got := h.begin("").scan(kv.Range{}); len(got) != 1000 || !slices.IsSorted(got) {
			h.Fatalf("%d keys, in order %v", len(got), slices.IsSorted(got))
		}
	}},
	{"a large one", func(h *house) {
		tx := h.begin("")
		value := bytes.Repeat([]byte("v"), 1<<20)
		for i := range 70 {
			tx.lock(key(i))
			noErr(h, tx.Set([]byte(key(i)), value))
		}
		tx.commit()
		h.put("after=1")
		next := h.begin("")
		next.want("after=1")
		for i := range 70 {
			got, err := next.Get(h.ctx, []byte(key(i)), nil)
			noErr(h, err)
			if !bytes.Equal(got, value) {
				h.Fatalf("key %d has %d bytes", i, len(got))
			}
		}
	}},
	{"transfers keep their sum", transfers},
}

// transfers moves money between accounts by many at once, and looks at the sum meanwhile.
func transfers(h *house) {
	const accounts, workers, each = 8, 6, 60
	for i := range accounts {
		h.put(fmt.Sprintf("%s=%d", key(i), 100))
	}
	var all []func() error
	for w := range workers {
		all = append(all, h.async(func() error {
			for i := range each {
				from, to := (w+i*3)%accounts, (w*5+i*7+1)%accounts
				if from == to {
					continue
				}
				if err := h.transfer(key(from), key(to)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	look := h.async(func() error {
		for range 100 {
			tx, err := h.Store.Begin(h.ctx, kv.Options{})
			if err != nil {
				return err
			}
			sum, err := h.sum(tx)
			tx.Rollback()
			if err != nil || sum != accounts*100 {
				return fmt.Errorf("sum is %d: %w", sum, err)
			}
		}
		return nil
	})
	for _, wait := range append(all, look) {
		noErr(h, wait())
	}
	tx := h.begin("")
	if sum, err := h.sum(tx); err != nil || sum != accounts*100 {
		h.Fatalf("the sum is %d, %v", sum, err)
	}
}

// transfer moves one, waiting for its claims, again until it succeeds.
func (h *house) transfer(from, to string) error {
	born := h.now()
	for {
		tx, err := h.Store.Begin(h.ctx, kv.Options{Born: born, Note: "transfer"})
		if err != nil {
			return err
		}
		err = h.tryTransfer(tx, []byte(from), []byte(to))
		tx.Rollback()
		if _, lost := asConflict(err); !lost {
			return err
		}
		if err := h.ctx.Err(); err != nil {
			return err
		}
	}
}

func (h *house) tryTransfer(tx kv.Txn, from, to []byte) error {
	for {
		err := tx.Lock(h.ctx, waits, from, to)
		if err == nil {
			break
		}
		if c, lost := asConflict(err); !lost || !c.Claimed {
			return err
		}
		if err := tx.Refresh(h.ctx); err != nil {
			return err
		}
	}
	for k, delta := range map[string]int{string(from): -1, string(to): 1} {
		n, err := h.balance(tx, []byte(k))
		if err != nil {
			return err
		}
		if err := tx.Set([]byte(k), fmt.Append(nil, n+delta)); err != nil {
			return err
		}
	}
	_, err := tx.Commit(h.ctx)
	return err
}

func (h *house) balance(tx kv.Txn, k []byte) (n int, err error) {
	value, err := tx.Get(h.ctx, k, nil)
	if err == nil {
		_, err = fmt.Sscan(string(value), &n)
	}
	return n, err
}

func (h *house) sum(tx kv.Txn) (sum int, err error) {
	it, err := tx.Scan(h.ctx, kv.Range{})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for it.Next() {
		var n int
		if _, err := fmt.Sscan(string(it.Value()), &n); err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, it.Err()
}
