package pebblekv

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/kvtest"
)

func TestContract(t *testing.T) {
	kvtest.Run(t, kvtest.Engine{
		Open:      func(t testing.TB) kv.Store { return open(t, Options{}) },
		Waiting:   func(s kv.Store) int { return s.(*Store).Stats().Waiting },
		Snapshots: func(s kv.Store) int { return s.(*Store).Stats().Snapshots },
	})
}

// open opens a store in memory, and checks and closes it when the test ends.
func open(t testing.TB, opt Options) *Store {
	t.Helper()
	if opt.FS == nil {
		opt.FS = vfs.NewMem()
	}
	return openAt(t, "/db", opt)
}

func openAt(t testing.TB, dir string, opt Options) *Store {
	t.Helper()
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeChecked(t, s) })
	return s
}

// closeChecked checks the house and closes it.
func closeChecked(t testing.TB, s *Store) {
	t.Helper()
	if s.closed.Load() || s.alive() != nil {
		return
	}
	// Cleanups run last in, first out: what the test left open was rolled back.
	if err := s.LeakCheck(); err != nil {
		t.Error(err)
	}
	if err := s.Check(func(problem string) { t.Error(problem) }); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestModel(t *testing.T) {
	kvtest.RunModel(t, kvtest.Engine{Open: func(t testing.TB) kv.Store { return open(t, Options{}) }})
}

func TestSerial(t *testing.T) {
	kvtest.RunSerial(t, kvtest.Engine{Open: func(t testing.TB) kv.Store { return open(t, Options{}) }})
}

func TestSkewsAtSnapshot(t *testing.T) {
	kvtest.RunSkews(t, kvtest.Engine{Open: func(t testing.TB) kv.Store { return open(t, Options{}) }})
}
