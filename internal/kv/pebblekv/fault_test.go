package pebblekv

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/testenv"
)

// TestFaults fails the n-th write operation, for n = 1, 2, ..., once or from then
// on. The store either goes on whole or ends with an error, and what it had
// acknowledged is there for the next one.
func TestFaults(t *testing.T) {
	for _, forever := range []bool{false, true} {
		t.Run(fmt.Sprintf("forever=%v", forever), func(t *testing.T) {
			step := int64(1)
			if testing.Short() || testenv.UnderRace {
				step = 7
			}
			died := 0
			for n := int64(1); ; n += step {
				reached, dead, err := failAt(n, forever)
				if err != nil {
					t.Fatalf("write %d fails: %v", n, err)
				}
				if dead {
					died++
				}
				if !reached {
					t.Logf("failed %d writes, died %d times", n-1, died)
					break
				}
			}
			if died == 0 {
				t.Error("no failure killed the store")
			}
		})
	}
}

func failAt(n int64, forever bool) (reached, dead bool, err error) {
	w := newWorkload(24)
	disk := vfs.NewCrashableMem()
	var count atomic.Int64
	opt := w.options(errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		if at := count.Add(1); at == n || forever && at > n {
			return &errInjected
		}
		return nil
	})))
	var deaths atomic.Int64
	died := make(chan struct{})
	opt.Die = func(err error) {
		if !errors.Is(err, ErrDied) {
			panic(err)
		}
		if deaths.Add(1) == 1 {
			close(died)
		}
	}
	done := make(chan error, 1)
	go func() { done <- w.run(opt) }()
	// After its death the store may hang, which a host answers by ending the
	// process. While it lives it must not.
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	select {
	case err = <-done:
	case <-died:
	case <-deadline.C:
		return true, false, errors.New("it hangs, and has not died")
	}
	reached, dead = count.Load() >= n, deaths.Load() > 0
	switch {
	case deaths.Load() > 1:
		return reached, dead, errors.New("it died twice")
	case !reached && err != nil:
		return reached, dead, err
	}
	acked, sent, newest := w.told()
	clone := disk.CrashClone(vfs.CrashCloneCfg{})
	return reached, dead, w.verify(clone, 2, acked, sent, newest)
}

// errInjected looks like a full disk.
var errInjected = syscallError{syscall.ENOSPC}

type syscallError struct{ errno syscall.Errno }

func (e *syscallError) Error() string { return "injected: " + e.errno.Error() }
func (e *syscallError) Unwrap() error { return e.errno }

// TestFailedSync: after a sync that failed nothing is acknowledged any more.
func TestFailedSync(t *testing.T) {
	disk := vfs.NewMem()
	var failing atomic.Bool
	var told atomic.Pointer[error]
	s, err := Open("/db", Options{
		FS: errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if failing.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
				return &errInjected
			}
			return nil
		})),
		Die: func(err error) { told.Store(&err) }, SyncDelayMax: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	at, err := tryPut(ctx, s, "k", "v")
	if err != nil {
		t.Fatal(err)
	}
	open, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Who waits for a claim does not wait for a dead holder.
	if err := open.Lock(ctx, kv.How{}, []byte("held")); err != nil {
		t.Fatal(err)
	}
	waiter, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- waiter.Lock(ctx, kv.How{Wait: true}, []byte("held")) }()
	failing.Store(true)
	for range 2 {
		if err := s.WaitDurable(ctx, at); !errors.Is(err, ErrDied) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v, want %v", err, ErrDied)
		}
		failing.Store(false) // the disk recovers; the store must not.
	}
	if err := <-waited; !errors.Is(err, ErrDied) {
		t.Fatalf("waiting for a claim: %v", err)
	}
	if p := told.Load(); p == nil || !errors.Is(*p, syscall.ENOSPC) {
		t.Fatalf("the hook was told %v", p)
	}
	if _, err := tryPut(ctx, s, "k", "v"); !errors.Is(err, ErrDied) {
		t.Fatalf("commit: %v", err)
	}
	open.Set([]byte("k2"), []byte("v"))
	if _, err := open.Commit(ctx); !errors.Is(err, ErrDied) {
		t.Fatalf("commit of a transaction begun before: %v", err)
	}
	if err := s.Advance(ctx, s.Visible()+10); !errors.Is(err, ErrDied) {
		t.Fatalf("advance: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrDied) {
		t.Fatalf("close: %v", err)
	}
}
