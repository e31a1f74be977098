package pebblekv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/kv"
)

// TestLogIsReleased: however much is written, the log keeps no more than what Pebble
// has not written out yet, and reopening the store needs nothing else.
func TestLogIsReleased(t *testing.T) {
	disk := vfs.NewMem()
	opt := Options{FS: disk, MemTableBytes: 64 << 10}
	s, err := Open("/db", opt)
	if err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("v", 4000)
	const n = 1000
	for i := range n {
		put(t, s, fmt.Sprint("key", i), value)
	}
	// Four memtables at most wait to be written out, and two files to be used again.
	if names, err := disk.List("/db/log"); err != nil || len(names) > 10 {
		t.Errorf("%d files of the log are left, %v", len(names), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, "/db", opt)
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range n {
		if got, err := tx.Get(t.Context(), fmt.Append(nil, "key", i), nil); err != nil || string(got) != value {
			t.Fatalf("key %d: %d bytes, %v", i, len(got), err)
		}
	}
}
