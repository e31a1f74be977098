package command_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

// fuse makes the engine panic, as a defect of ours would, at the n-th Get from now
// on; zero is never.
type fuse struct{ gets atomic.Int64 }

func (f *fuse) over(s kv.Store) kv.Store { return fusedStore{s, f} }

// blow runs do, which must panic at the n-th Get; whoever serves connections
// survives that too.
func (f *fuse) blow(t *testing.T, n int64, do func()) {
	t.Helper()
	f.gets.Store(n)
	defer func() {
		t.Helper()
		f.gets.Store(0)
		if recover() == nil {
			t.Error("nothing has panicked")
		}
	}()
	do()
}

type fusedStore struct {
	kv.Store
	f *fuse
}

func (s fusedStore) Begin(ctx context.Context, opt kv.Options) (kv.Txn, error) {
	txn, err := s.Store.Begin(ctx, opt)
	if err != nil {
		return nil, err
	}
	return fusedTxn{txn, s.f}, nil
}

type fusedTxn struct {
	kv.Txn
	f *fuse
}

func (t fusedTxn) Get(ctx context.Context, key, dst []byte) ([]byte, error) {
	if t.f.gets.Load() > 0 && t.f.gets.Add(-1) == 0 {
		panic("blown")
	}
	return t.Txn.Get(ctx, key, dst)
}

// TestPanicEndsTransaction: a statement that panics half way ends its transaction,
// so that nobody commits the half.
func TestPanicEndsTransaction(t *testing.T) {
	var f fuse
	inHouseOver(t, f.over, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 1), s.starting(1)).want(`{"n":1,"nModified":1}`)
		f.blow(t, 2, func() {
			c.run(`{"update":"c","updates":[{"q":{"_id":1},"u":{"$inc":{"n":1}}},{"q":{"_id":2},"u":{"$inc":{"n":1}}}]}`, s.within(1))
		})
		c.run(commit, s.within(1)).want(`error 251 [TransientTransactionError]`)
		c.run(`{"find":"c"}`).want(`[{"_id":1,"n":0} {"_id":2,"n":0} {"_id":3,"n":0} {"_id":9,"n":0}]`)
	})
}

// TestPanicEndsCursor: a cursor whose batch panics is not left taken forever.
func TestPanicEndsCursor(t *testing.T) {
	var f fuse
	inHouseOver(t, f.over, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		id := c.run(`{"aggregate":"c","pipeline":[{"$lookup":{"from":"c","localField":"_id","foreignField":"_id","as":"a"}}],"cursor":{"batchSize":1}}`).cursor()
		more := fmt.Sprintf(`{"getMore":{"$numberLong":"%d"},"collection":"c"}`, id)
		f.blow(t, 1, func() { c.run(more) })
		c.run(more).want(`error 43`)
	})
}
