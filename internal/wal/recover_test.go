package wal

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// written is a disk with a log of two files: records 1 to 4, each synced, and 5 to 8.
func written(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	l := create(t, fs)
	for i := uint64(1); i <= 8; i++ {
		appendAll(t, l, record{i, 40})
		must(t, l.Sync())
		if i == 4 {
			must(t, l.Rotate())
		}
	}
	must(t, l.Close())
	return fs
}

func readFile(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	must(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	must(t, err)
	return text
}

func writeFile(t *testing.T, fs vfs.FS, path string, text []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write(bytes.Clone(text)) // it may change what it is given.
	must(t, err)
	must(t, f.Close())
}

const file1, file2 = "/log/00000001.wal", "/log/00000002.wal"

// TestDamaged changes each byte of both files in turn. Where it was durable before
// something else was written, that is damage; at the very end it may be the power
// that failed, and the last record is gone.
func TestDamaged(t *testing.T) {
	const frame = headerBytes + 40
	for _, path := range []string{file1, file2} {
		whole := readFile(t, written(t), path)
		for i := range whole {
			fs := written(t)
			text := append([]byte(nil), whole...)
			text[i] ^= 0x40
			writeFile(t, fs, path, text)
			_, got, err := reopen(fs, 0)
			atEnd := path == file2 && i >= len(whole)-frame
			switch {
			case atEnd && (err != nil || len(got) != 7):
				t.Errorf("%s, byte %d of %d: %d records, %v", path, i, len(whole), len(got), err)
			case !atEnd && !errors.Is(err, ErrDamaged):
				t.Errorf("%s, byte %d of %d: %d records, %v", path, i, len(whole), len(got), err)
			}
		}
	}
}

// TestCut shortens the files to each length. A last file that ends early may have
// lost its end in a crash; the one before it may not.
func TestCut(t *testing.T) {
	for _, path := range []string{file1, file2} {
		whole := readFile(t, written(t), path)
		for n := range whole {
			fs := written(t)
			writeFile(t, fs, path, whole[:n])
			_, got, err := reopen(fs, 0)
			if path == file1 && !errors.Is(err, ErrDamaged) || path == file2 && (err != nil || len(got) < 4 || len(got) > 7) {
				t.Errorf("%s of %d bytes: %d records, %v", path, n, len(got), err)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove []string
		after  uint64
		want   int // records; negative is damage.
		says   string
	}{
		{"nothing", nil, 0, 8, ""},
		{"all", []string{file1, file2}, 8, -1, "its files are missing"},
		{"the first", []string{file1}, 0, -1, "00000002.wal: it begins after record 4, and the last one before it is 0"},
		{"a part of the first is needed", []string{file1}, 3, -1, "after record 4"},
		{"nothing of the first is needed", []string{file1}, 4, 4, ""},
		{"the second", []string{file2}, 0, 4, ""}, // it looks as if it had never been begun.
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := written(t)
			for _, path := range c.remove {
				must(t, fs.Remove(path))
			}
			_, got, err := reopen(fs, c.after)
			if c.want >= 0 && (err != nil || len(got) != c.want) {
				t.Errorf("%v, %v", got, err)
			}
			if c.want < 0 && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// TestNotNeeded: a file whose records the caller has is not read beyond its opening.
func TestNotNeeded(t *testing.T) {
	for after, want := range map[uint64]int{3: -1, 4: 4, 6: 2} {
		fs := written(t)
		text := readFile(t, fs, file1)
		text[len(text)-1] ^= 1 // of record 4.
		writeFile(t, fs, file1, text)
		_, got, err := reopen(fs, after)
		if want < 0 && !errors.Is(err, ErrDamaged) || want >= 0 && (err != nil || len(got) != want) {
			t.Errorf("after %d: %v, %v", after, got, err)
		}
	}
}

// TestUsedAgain: a file that is used again holds frames of its former life. They are
// not taken for its own, whatever is left of the new ones.
func TestUsedAgain(t *testing.T) {
	fs := vfs.NewMem()
	l := create(t, fs)
	for i := uint64(1); i <= 20; i++ {
		appendAll(t, l, record{i, 40})
	}
	must(t, l.Rotate())
	must(t, l.Release(20))
	old := readFile(t, fs, file1)
	must(t, l.Rotate())
	const path = "/log/00000003.wal"
	appendAll(t, l, record{21, 40})
	must(t, l.Sync())
	if _, err := fs.Stat(file1); err == nil {
		t.Fatal("a file that is free was not used again")
	}
	text := readFile(t, fs, path)
	if len(text) != len(old) {
		t.Fatalf("%d bytes, the old file had %d", len(text), len(old))
	}
	for _, n := range []int{0, headerBytes + 32, headerBytes + 32 + headerBytes + 40} { // before, between and after its frames.
		clone := vfs.NewMem()
		makeDir(t, clone)
		writeFile(t, clone, file2, readFile(t, fs, file2))
		writeFile(t, clone, path, append(append([]byte(nil), text[:n]...), old[n:]...))
		want := 0
		if n > headerBytes+32 {
			want = 1
		}
		if _, got, err := reopen(clone, 20); err != nil || len(got) != want {
			t.Errorf("%d bytes are new: %v, %v", n, got, err)
		}
	}
}

// FuzzReplay: no file makes Open panic, take much memory, or replay records out of order.
func FuzzReplay(f *testing.F) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("/log", 0o755); err != nil {
		f.Fatal(err)
	}
	opt, _ := options(fs, 0)
	l, err := Open(opt)
	if err != nil {
		f.Fatal(err)
	}
	for i := uint64(1); i < 4; i++ {
		if _, err := l.Append(i, record{i, 40}.data()); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	file, err := fs.Open(file1)
	if err != nil {
		f.Fatal(err)
	}
	seed, err := io.ReadAll(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:100])
	f.Fuzz(func(t *testing.T, text []byte) {
		fs := vfs.NewMem()
		makeDir(t, fs)
		writeFile(t, fs, file1, text)
		last, size := uint64(0), 0
		l, err := Open(Options{FS: fs, Dir: "/log", Salt: func() uint64 { return 1 }, Replay: func(index uint64, data []byte) error {
			if index <= last {
				t.Fatalf("%d after %d", index, last)
			}
			last, size = index, size+len(data)
			return nil
		}})
		if size > len(text) {
			t.Fatalf("%d bytes of records in %d", size, len(text))
		}
		if err == nil {
			must(t, l.Close())
		} else if !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
}
