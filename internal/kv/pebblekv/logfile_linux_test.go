package pebblekv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

// openTestLog creates a log file, of the kind that is tested.
func openTestLog(t *testing.T, name string) *logFile {
	t.Helper()
	f, err := newLogDisk(vfs.Default).Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := f.(*logFile)
	if !ok {
		f.Close()
		t.Skip("the file system of the test's directory has no direct writes")
	}
	return l
}

// TestLogFile writes pieces of all lengths and syncs now and then: after a sync
// the file begins with all that was written, and goes on with zeros.
func TestLogFile(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	name := filepath.Join(t.TempDir(), "1.log")
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
	name := filepath.Join(t.TempDir(), "1.log")
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
	old, name := filepath.Join(dir, "1.log"), filepath.Join(dir, "2.log")
	if err := os.WriteFile(old, bytes.Repeat([]byte("x"), 3*logBlock), 0o600); err != nil {
		t.Fatal(err)
	}
	openTestLog(t, filepath.Join(dir, "3.log")).Close() // or skip.
	f, err := newLogDisk(vfs.Default).ReuseForWrite(old, name, vfs.WriteCategoryUnspecified)
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
	name := filepath.Join(t.TempDir(), "1.log")
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
		name := filepath.Join(t.TempDir(), "1.log")
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

// TestLogFileRecovers reads a store from a copy of its files that was taken while
// it was open: all that was durable is there, and nothing else is taken for it.
func TestLogFileRecovers(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(filepath.Join(dir, "a"), Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 500
	for i := range n {
		at := commitPair(t, s, fmt.Sprintf("k%03d", i), bytes.Repeat([]byte{'v'}, i*7+1))
		if err := s.WaitDurable(ctx, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "b"), os.DirFS(filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	r, err := Open(filepath.Join(dir, "b"), Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tx, err := r.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range n {
		if v, err := tx.Get(ctx, fmt.Appendf(nil, "k%03d", i), nil); err != nil || len(v) != i*7+1 {
			t.Fatalf("k%03d: %d bytes, %v", i, len(v), err)
		}
	}
}

// TestLogFileTorn cuts the power while the blocks of one sync are written, so that
// any of them are on the disk and the others not. What was durable before is there,
// and the commit under way is there whole or not at all.
func TestLogFileTorn(t *testing.T) {
	dir := t.TempDir()
	openTestLog(t, filepath.Join(dir, "1.log")).Close() // or skip.
	live := filepath.Join(dir, "live")
	s, err := Open(live, Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	durable := func(key string, size int) {
		t.Helper()
		at := commitPair(t, s, key, bytes.Repeat([]byte{'v'}, size))
		if err := s.WaitDurable(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	const before = 7
	for i := range before {
		durable(fmt.Sprint("before", i), 900) // ends within a block.
	}
	was := logFiles(t, live)
	durable("last", 40_000)
	outcomes := map[bool]int{}
	for seed := range uint64(20) {
		torn := filepath.Join(dir, fmt.Sprint("torn", seed))
		if err := os.CopyFS(torn, os.DirFS(live)); err != nil {
			t.Fatal(err)
		}
		tearLogs(t, torn, was, rand.New(rand.NewPCG(seed, 1)))
		outcomes[recoverTorn(t, torn, before)]++
	}
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("the commit under way was there or not, so many times: %v", outcomes)
	}
}

// logFiles reads the log's files, by path below dir.
func logFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, dataDir, "*"+logExt))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = text
	}
	return files
}

// tearLogs puts back some of the blocks of the logs in dir to what they were.
func tearLogs(t *testing.T, dir string, was map[string][]byte, dice *rand.Rand) {
	t.Helper()
	share := dice.Float64()
	for name, text := range logFiles(t, dir) {
		for at := 0; at < len(text); at += logBlock {
			if dice.Float64() < share {
				continue
			}
			old := make([]byte, logBlock)
			copy(old, was[name][min(at, len(was[name])):])
			copy(text[at:], old)
		}
		if err := os.WriteFile(filepath.Join(dir, dataDir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// recoverTorn opens a store and tells whether the last commit is there.
func recoverTorn(t *testing.T, dir string, before int) (last bool) {
	t.Helper()
	s, err := Open(dir, Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range before {
		if v, err := tx.Get(t.Context(), fmt.Append(nil, "before", i), nil); err != nil || len(v) != 900 {
			t.Fatalf("pair %d: %d bytes, %v", i, len(v), err)
		}
	}
	v, err := tx.Get(t.Context(), []byte("last"), nil)
	if last = err == nil; last && len(v) != 40_000 || !last && !errors.Is(err, kv.ErrNotFound) {
		t.Fatalf("the last pair: %d bytes, %v", len(v), err)
	}
	return last
}

func commitPair(t *testing.T, s *Store, key string, value []byte) kv.Time {
	t.Helper()
	ctx := context.Background()
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.Lock(ctx, kv.How{}, []byte(key)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Set([]byte(key), value); err != nil {
		t.Fatal(err)
	}
	at, err := tx.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
