package command_test

import (
	"context"
	"sync"

	"github.com/pandodb/pando/internal/kv"
)

// gate stands before the commits of a store and can be closed: what wants to
// commit waits there.
type gate struct {
	mu    sync.Mutex
	shut  chan struct{} // closed to let everybody through; nil while the gate is open.
	after int           // commits that pass a closed gate all the same.
}

// over puts the gate between a house's layers and its engine.
func (g *gate) over(s kv.Store) kv.Store { return gatedStore{s, g} }

func (g *gate) close() { g.closeAfter(0) }

// closeAfter closes the gate behind the next n commits.
func (g *gate) closeAfter(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.after = make(chan struct{}), n
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
}

func (g *gate) pass() {
	g.mu.Lock()
	shut := g.shut
	if shut != nil && g.after > 0 {
		g.after--
		shut = nil
	}
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

type gatedStore struct {
	kv.Store
	g *gate
}

func (s gatedStore) Begin(ctx context.Context, opt kv.Options) (kv.Txn, error) {
	txn, err := s.Store.Begin(ctx, opt)
	if err != nil {
		return nil, err
	}
	return gatedTxn{txn, s.g}, nil
}

type gatedTxn struct {
	kv.Txn
	g *gate
}

func (t gatedTxn) Commit(ctx context.Context) (kv.Time, error) {
	t.g.pass()
	return t.Txn.Commit(ctx)
}
