package wal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/testenv"
)

// openTestLog creates a log file, of the kind that is tested.
func openTestLog(t *testing.T, name string) *logFile {
	t.Helper()
	f, err := Direct(vfs.Default).Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := f.(*logFile)
	if !ok {
		f.Close()
		testenv.Skip(t, "the file system of the test's directory has no direct writes")
	}
	return l
}

// TestLogFile writes pieces of all lengths and syncs now and then: after a sync
// the file begins with all that was written, and goes on with zeros.
func TestLogFile(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	name := filepath.Join(t.TempDir(), "1.wal")
	l := openTestLog(t, name)
	defer l.Close()
	var want []byte
	for range 300 {
		piece := make([]byte, 1+dice.IntN(1<<dice.IntN(18)))
		for i := range piece {
			piece[i] = byte(1 + dice.IntN(255))
		}
		if n, err := l.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
		want = append(want, piece...)
		if dice.IntN(3) > 0 {
			continue
		}
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) < len(want) || !bytes.Equal(got[:len(want)], want) {
			t.Fatalf("after %d bytes the file of %d bytes differs", len(want), len(got))
		}
		if len(bytes.Trim(got[len(want):], "\x00")) != 0 {
			t.Fatal("something stands behind the end")
		}
	}
}

// TestLogFileClose: closing makes durable what was not synced.
func TestLogFileClose(t *testing.T) {
	name := filepath.Join(t.TempDir(), "1.wal")
	l := openTestLog(t, name)
	if _, err := l.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(got, []byte("the end\x00")) {
		t.Fatalf("%.20q %v", got, err)
	}
}

// TestLogFileReuse writes over an older log: its blocks are not filled again, and
// what it held stays behind the new end.
func TestLogFileReuse(t *testing.T) {
	dir := t.TempDir()
	old, name := filepath.Join(dir, "1.wal"), filepath.Join(dir, "2.wal")
	if err := os.WriteFile(old, bytes.Repeat([]byte("x"), 3*logBlock), 0o600); err != nil {
		t.Fatal(err)
	}
	openTestLog(t, filepath.Join(dir, "3.wal")).Close() // or skip.
	f, err := Direct(vfs.Default).ReuseForWrite(old, name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil || len(got) != 3*logBlock || !bytes.HasPrefix(got, []byte("new\x00")) || got[logBlock] != 'x' {
		t.Fatalf("%d bytes, %.10q, %v", len(got), got, err)
	}
}

// failingFile takes so many writes, and no more.
type failingFile struct {
	directFile
	left, tried int
}

var errNoWrite = errors.New("the disk refuses")

func (f *failingFile) WriteAt(p []byte, at int64) (int, error) {
	f.tried++
	if f.left--; f.left < 0 {
		return 0, errNoWrite
	}
	return f.directFile.WriteAt(p, at)
}

// TestLogFileFails: a write that has failed is not tried again, by Close neither.
func TestLogFileFails(t *testing.T) {
	name := filepath.Join(t.TempDir(), "1.wal")
	l := openTestLog(t, name)
	disk := &failingFile{directFile: l.direct, left: 1}
	l.direct = disk
	for i, want := range []error{nil, errNoWrite, errNoWrite} {
		if _, err := l.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(); !errors.Is(err, want) {
			t.Errorf("sync %d: %v", i, err)
		}
	}
	if err := l.Close(); !errors.Is(err, errNoWrite) {
		t.Errorf("close: %v", err)
	}
	if disk.tried != 2 {
		t.Errorf("%d writes, want the first and the one that failed", disk.tried)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(got, []byte("abc\x00")) {
		t.Errorf("%.10q %v", got, err)
	}
}

// TestLogFileRefused: where direct writes are refused although the file could be
// opened for them, that is found out before the log relies on them, in a new file
// and in one that is used again.
func TestLogFileRefused(t *testing.T) {
	for _, size := range []int{0, 3 * logBlock} {
		name := filepath.Join(t.TempDir(), "1.wal")
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := vfs.Default.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		direct, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newLogFile(f, &failingFile{directFile: direct}); !errors.Is(err, errNoWrite) {
			t.Errorf("a file of %d bytes: %v", size, err)
		}
		if err := direct.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the descriptor was left open: %v", err)
		}
	}
}
