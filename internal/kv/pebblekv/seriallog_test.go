package pebblekv

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

func begin(t *testing.T, s *Store, opt kv.Options) kv.Txn {
	t.Helper()
	tx, err := s.Begin(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tx.Rollback)
	return tx
}

// write commits n keys that begin alike.
func write(t *testing.T, s *Store, prefix string, n int) {
	t.Helper()
	tx := begin(t, s, kv.Options{})
	for i := range n {
		if err := tx.Set(fmt.Appendf(nil, "%s%06d", prefix, i), []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// reader is a serializable transaction that has read a key and written another.
func reader(t *testing.T, s *Store, note string) kv.Txn {
	t.Helper()
	tx := begin(t, s, kv.Options{Serializable: true, Note: note})
	if _, err := tx.Get(t.Context(), []byte("read"), nil); !errors.Is(err, kv.ErrNotFound) {
		t.Fatal(err)
	}
	if err := tx.Set([]byte("by-"+note), []byte("1")); err != nil {
		t.Fatal(err)
	}
	return tx
}

func wantSerialBytes(t *testing.T, s *Store, atLeast, atMost int) {
	t.Helper()
	if n := s.Stats().SerialLogBytes; n < atLeast || n > atMost {
		t.Errorf("the log has %d bytes, want %d to %d", n, atLeast, atMost)
	}
}

func TestSerialLogIsKeptForTheOldest(t *testing.T) {
	s := open(t, Options{})
	write(t, s, "before", 100)
	wantSerialBytes(t, s, 0, 0)
	first := reader(t, s, "first")
	wantSerialBytes(t, s, 0, 0)
	write(t, s, "one", 100)
	wantSerialBytes(t, s, 1000, 10_000)
	second := reader(t, s, "second")
	write(t, s, "two", 10)
	first.Rollback()
	wantSerialBytes(t, s, 100, 1000) // what second's snapshot has is not kept.
	if _, err := second.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSerialBytes(t, s, 0, 0)
	write(t, s, "after", 100)
	wantSerialBytes(t, s, 0, 0)
}

func TestSerialLogOverBudget(t *testing.T) {
	s := open(t, Options{SerialLogBytes: 20_000})
	old, reads := reader(t, s, "old"), begin(t, s, kv.Options{Serializable: true})
	for i := range 100 {
		write(t, s, fmt.Sprintf("many%d-", i), 10)
		wantSerialBytes(t, s, 1, 20_000)
	}
	young := reader(t, s, "young")
	write(t, s, "few", 10)
	if n := s.Stats().SerialForced; n == 0 {
		t.Error("nothing was given up")
	}
	_, err := old.Commit(t.Context())
	c, lost := errors.AsType[*kv.Conflict](err)
	if !lost || !c.Read || !c.Floor || c.Winner <= old.ReadTime() {
		t.Errorf("the oldest commits: %v", err)
	}
	if _, err := young.Commit(t.Context()); err != nil {
		t.Errorf("the youngest: %v", err)
	}
	if _, err := reads.Commit(t.Context()); err != nil {
		t.Errorf("one that only read: %v", err)
	}
	if n := s.Stats().ReadConflicts; n != 1 {
		t.Errorf("%d conflicts, want 1", n)
	}
	wantSerialBytes(t, s, 0, 0)
}

// TestSerialLogAndOneLargeCommit commits at once more than is ever kept.
func TestSerialLogAndOneLargeCommit(t *testing.T) {
	for _, n := range []int{150, 5000} { // too many bytes, and too many keys.
		s := open(t, Options{SerialLogBytes: 10_000})
		old := reader(t, s, "old")
		write(t, s, string(bytes.Repeat([]byte("k"), 100)), n)
		wantSerialBytes(t, s, 0, 0)
		if _, err := old.Commit(t.Context()); err == nil {
			t.Errorf("%d keys were not looked at", n)
		}
		young := reader(t, s, "young")
		if _, err := young.Commit(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestSerialReadSetIsBounded reads many keys one by one: what lies between them
// counts as read in the end, what lies elsewhere does not.
func TestSerialReadSetIsBounded(t *testing.T) {
	s := open(t, Options{ReadSetBytes: 10_000})
	write(t, s, "doc", 2000)
	for _, c := range []struct {
		key  string
		lost bool
	}{{"doc000513", true}, {"other", false}} {
		tx := reader(t, s, "reader")
		for i := 0; i < 2000; i += 3 {
			if _, err := tx.Get(t.Context(), fmt.Appendf(nil, "doc%06d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := tx.(*txn).reads.set.bytes; n > 10_000 {
			t.Errorf("the read set has %d bytes", n)
		}
		write(t, s, c.key, 1)
		if _, err := tx.Commit(t.Context()); (err != nil) != c.lost {
			t.Errorf("%s was written: %v", c.key, err)
		}
	}
}
