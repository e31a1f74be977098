package pebblekv

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

// fakeClock is set by hand.
type fakeClock struct{ seconds atomic.Int64 }

func newFakeClock() *fakeClock {
	c := &fakeClock{}
	c.seconds.Store(1_700_000_000)
	return c
}

func (c *fakeClock) env() *env.Env {
	return env.Seeded(1).WithClock(func() time.Time { return time.Unix(c.seconds.Load(), 0) })
}

// TestClockSetBack is history 15: no time is given out twice, whatever the clock
// does between lives, and whether the store was closed or cut off.
func TestClockSetBack(t *testing.T) {
	disk, clock := vfs.NewCrashableMem(), newFakeClock()
	given := map[kv.Time]bool{}
	var last kv.Time
	for life := range 8 {
		s, err := Open("/db", Options{FS: disk, Env: clock.env(), SyncDelayMax: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if s.Visible() <= last {
			t.Fatalf("life %d begins at %d, and %d was given out", life, s.Visible(), last)
		}
		for range 30 {
			clock.seconds.Add(1)
			at := put(t, s, "k", "v") // never waited for.
			if given[at] || at <= last {
				t.Fatalf("life %d gives out %d after %d", life, at, last)
			}
			given[at], last = true, at
		}
		if life%2 == 0 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			cut := disk.CrashClone(vfs.CrashCloneCfg{})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			disk = cut
		}
		clock.seconds.Add(-500)
	}
}

// TestCeilingIsRaisedInPassing: while time goes on evenly no commit waits for a
// sync of its own.
func TestCeilingIsRaisedInPassing(t *testing.T) {
	clock := newFakeClock()
	s := open(t, Options{Env: clock.env(), SyncDelayMax: time.Hour})
	for range 100 {
		clock.seconds.Add(1)
		at := put(t, s, "k", "v")
		if s.Durable() >= at {
			t.Fatalf("the commit at %d was synced by itself", at)
		}
		if err := s.WaitDurable(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	clock.seconds.Add(60)
	if at := put(t, s, "k", "v"); s.Durable() < at {
		t.Fatalf("after a rest the commit at %d went above the ceiling unsynced", at)
	}
}

func TestAdvanceDrift(t *testing.T) {
	clock := newFakeClock()
	s := open(t, Options{Env: clock.env(), DriftMax: time.Minute})
	at := func(d time.Duration) kv.Time { return timeAt(time.Unix(clock.seconds.Load(), 0).Add(d)) }
	if err := s.Advance(t.Context(), at(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(t.Context(), at(61*time.Second)); !errors.Is(err, kv.ErrClockDrift) {
		t.Fatalf("got %v, want %v", err, kv.ErrClockDrift)
	}
	s.SetDriftMax(2 * time.Minute)
	if err := s.Advance(t.Context(), at(61*time.Second)); err != nil {
		t.Fatal(err)
	}
}

// TestSyncedWithoutAsking: a commit that nobody waits for becomes durable all the same.
func TestSyncedWithoutAsking(t *testing.T) {
	s := open(t, Options{SyncDelayMax: time.Millisecond})
	for range 5 {
		at := put(t, s, "k", "v")
		deadline := time.NewTimer(10 * time.Second)
		defer deadline.Stop()
		for s.Durable() < at {
			select {
			case <-deadline.C:
				t.Fatal("it never became durable")
			default:
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
