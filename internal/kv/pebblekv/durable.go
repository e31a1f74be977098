package pebblekv

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/planted"
)

// syncer makes commits durable, a group at a time. Who waits first leads: it
// syncs the log for everything visible by then, while commits go on; who comes in
// between waits for the next one. Commits that nobody waits for are synced by a
// timer.
type syncer struct {
	store *Store
	upTo  atomic.Uint64 // durable; stored under mu.
	syncs atomic.Uint64

	mu      sync.Mutex    // guards all below; a leaf but for Pebble's own.
	leading chan struct{} // closed when the sync in flight ends; nil if there is none.
	late    *time.Timer   // syncs what nobody waits for.
	armed   atomic.Bool
	stopped bool
	running sync.WaitGroup
}

func newSyncer(s *Store, durable kv.Time) *syncer {
	y := &syncer{store: s}
	y.upTo.Store(uint64(durable))
	y.late = time.AfterFunc(time.Hour, y.catchUp)
	y.late.Stop()
	return y
}

func (y *syncer) durable() kv.Time { return kv.Time(y.upTo.Load()) }

// reached says that commits up to t are durable.
func (y *syncer) reached(t kv.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.upTo.Store(max(y.upTo.Load(), uint64(t)))
}

// written says that there is a new commit. The committer calls it.
func (y *syncer) written() {
	if y.armed.CompareAndSwap(false, true) {
		y.late.Reset(y.store.syncDelay)
	}
}

// catchUp syncs what is left over. It runs by timer after a commit, and not in a
// store at rest.
func (y *syncer) catchUp() {
	y.mu.Lock()
	if y.stopped {
		y.mu.Unlock()
		return
	}
	y.running.Add(1)
	y.mu.Unlock()
	defer y.running.Done()
	y.armed.Store(false) // before Visible is read: a later commit arms it again.
	// The error has been told to Options.Die.
	_ = y.wait(context.Background(), y.store.Visible())
}

// WaitDurable implements kv.Durability. A time that no commit has reached yet
// counts as the newest commit's. Whoever leads a sync stays with it to its end,
// also if ctx ends before.
func (s *Store) WaitDurable(ctx context.Context, t kv.Time) error {
	if planted.EarlyAnswer {
		return nil
	}
	return s.syncer.wait(ctx, min(t, s.Visible()))
}

// Durable implements kv.Durability.
func (s *Store) Durable() kv.Time { return s.syncer.durable() }

func (y *syncer) wait(ctx context.Context, t kv.Time) error {
	for {
		if y.durable() >= t {
			return nil
		}
		if err := y.store.usable(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		y.mu.Lock()
		if flight := y.leading; flight != nil {
			y.mu.Unlock()
			select {
			case <-flight:
			case <-y.store.dead:
			case <-ctx.Done():
			}
			continue
		}
		if y.stopped {
			y.mu.Unlock()
			return kv.ErrClosed
		}
		flight := make(chan struct{})
		y.leading = flight
		y.running.Add(1)
		y.mu.Unlock()
		err := y.sync()
		y.mu.Lock()
		y.leading = nil
		y.mu.Unlock()
		close(flight)
		y.running.Done()
		if err != nil {
			return err
		}
	}
}

// sync makes everything that is visible durable. One that failed is never tried
// again: what the disk holds is not known then.
func (y *syncer) sync() error {
	s := y.store
	target := s.Visible() // published, so it is in the log already.
	y.syncs.Add(1)
	if !s.skipSync {
		if err := s.wal.Sync(); err != nil {
			return s.died(err)
		}
	}
	if err := s.alive(); err != nil {
		return err
	}
	y.reached(target)
	return nil
}

// stop ends the timer and waits for the sync in flight.
func (y *syncer) stop() {
	y.mu.Lock()
	y.stopped = true
	y.late.Stop()
	y.mu.Unlock()
	y.running.Wait()
}
