package pebblekv

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

func TestFormatFile(t *testing.T) {
	f := newFormat(env.Seeded(1))
	for _, ready := range []bool{false, true} {
		f.ready = ready
		if got, err := decodeFormat(f.encode()); err != nil || got != f {
			t.Errorf("decode %q: %+v, %v", f.encode(), got, err)
		}
	}
	text := f.encode()
	for n := range len(text) {
		if _, err := decodeFormat(text[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %q: %v", text[:n], err)
		}
	}
	newer := f
	newer.version = formatVersion + 1
	if _, err := decodeFormat(newer.encode()); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("a newer format: %v", err)
	}
	if _, err := decodeFormat("pando store\nformat 7\nand whatever a later version may say"); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("a newer format of another shape: %v", err)
	}
}

// made is the disk of a store that has been used and closed.
func made(t *testing.T) *vfs.MemFS {
	t.Helper()
	disk := vfs.NewMem()
	s, err := Open("/db", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "1")
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func put(t testing.TB, s *Store, key, value string) kv.Time {
	t.Helper()
	at, err := tryPut(t.Context(), s, key, value)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// tryPut is a transaction of one write.
func tryPut(ctx context.Context, s *Store, key, value string) (kv.Time, error) {
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := tx.Lock(ctx, kv.How{}, []byte(key)); err != nil {
		return 0, err
	}
	if err := tx.Set([]byte(key), []byte(value)); err != nil {
		return 0, err
	}
	return tx.Commit(ctx)
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, disk *vfs.MemFS)
		want  error
		says  string
	}{
		{"a newer format", func(t *testing.T, disk *vfs.MemFS) {
			f := newFormat(env.Seeded(1))
			f.version, f.ready = formatVersion+1, true
			overwrite(t, disk, "/db/FORMAT", []byte(f.encode()))
		}, ErrNewerFormat, "format 3, known up to 2"},
		{"a torn format file", func(t *testing.T, disk *vfs.MemFS) {
			overwrite(t, disk, "/db/FORMAT", []byte("pando store\nformat 1\nid 12"))
		}, ErrDamaged, "FORMAT is torn"},
		{"an empty format file", func(t *testing.T, disk *vfs.MemFS) {
			overwrite(t, disk, "/db/FORMAT", nil)
		}, ErrDamaged, "FORMAT does not begin"},
		{"no format file", func(t *testing.T, disk *vfs.MemFS) {
			remove(t, disk, "/db/FORMAT")
		}, ErrDamaged, "FORMAT is missing"},
		{"no data", func(t *testing.T, disk *vfs.MemFS) {
			if err := disk.RemoveAll("/db/data"); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "files are missing"},
		{"no manifest", func(t *testing.T, disk *vfs.MemFS) {
			for _, name := range list(t, disk) {
				if strings.HasPrefix(name, "MANIFEST") {
					remove(t, disk, "/db/data/"+name)
				}
			}
		}, ErrDamaged, "manifest"},
		{"a torn manifest", func(t *testing.T, disk *vfs.MemFS) {
			for _, name := range list(t, disk) {
				if strings.HasPrefix(name, "MANIFEST") {
					overwrite(t, disk, "/db/data/"+name, []byte("MANIFEST"))
				}
			}
		}, ErrDamaged, "MANIFEST"},
		{"no log", func(t *testing.T, disk *vfs.MemFS) {
			if err := disk.RemoveAll("/db/log"); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "the log is damaged: its files are missing"},
		{"a missing table", func(t *testing.T, disk *vfs.MemFS) {
			for _, name := range list(t, disk) {
				if strings.HasSuffix(name, ".sst") {
					remove(t, disk, "/db/data/"+name)
				}
			}
		}, ErrDamaged, "sstable"},
		{"another process", func(t *testing.T, disk *vfs.MemFS) {
			lock, err := disk.Lock("/db/LOCK")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { lock.Close() })
		}, ErrLocked, "/db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := made(t)
			c.spoil(t, disk)
			for range 2 { // a refusal must leave no lock behind.
				_, err := Open("/db", Options{FS: disk})
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("got %v, want %v that says %q", err, c.want, c.says)
				}
			}
		})
	}
}

// TestOpenFormat1: a store whose log was Pebble's is opened, with what only that log
// holds, and is of the newest format from then on.
func TestOpenFormat1(t *testing.T) {
	disk := vfs.NewCrashableMem()
	if err := makeDir(disk, "/db/data"); err != nil {
		t.Fatal(err)
	}
	db, err := pebble.Open("/db/data", &pebble.Options{FS: disk, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	b := db.NewBatch()
	if err := errors.Join(
		b.Set(lastTimeKey, encodeTime(5), nil), b.Set(ceilingKey, encodeTime(9), nil), b.Set(storedKey(nil, []byte("a")), []byte("1"), nil),
		db.Apply(b, pebble.Sync),
	); err != nil {
		t.Fatal(err)
	}
	f := newFormat(env.Seeded(1))
	f.version, f.ready = 1, true
	if err := errors.Join(writeFormat(disk, "/db", f), db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open("/db", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WaitDurable(t.Context(), put(t, s, "b", "2")); err != nil {
		t.Fatal(err)
	}
	for _, left := range []vfs.FS{disk.CrashClone(vfs.CrashCloneCfg{}), disk} {
		if left == disk {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		again := openAt(t, "/db", Options{FS: left})
		tx, err := again.Begin(t.Context(), kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{"a": "1", "b": "2"} {
			if got, err := tx.Get(t.Context(), []byte(key), nil); err != nil || string(got) != want {
				t.Errorf("%s is %q, %v", key, got, err)
			}
		}
		tx.Rollback()
		if f, _, err := readFormat(left, "/db"); err != nil || f.version != formatVersion {
			t.Errorf("%+v, %v", f, err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want %v", err, ErrLocked)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedTable: a table whose bytes changed is found by Check, and kills the
// store that reads it.
func TestDamagedTable(t *testing.T) {
	disk := made(t)
	for _, name := range list(t, disk) {
		if path := "/db/data/" + name; strings.HasSuffix(name, ".sst") {
			text := read(t, disk, path)
			text[bytes.Index(text, []byte{dataSpace, 'a'})] ^= 0xff
			overwrite(t, disk, path, text)
		}
	}
	var died error
	s, err := Open("/db", Options{FS: disk, Die: func(err error) { died = err }})
	if err != nil {
		t.Logf("found when opened: %v", err)
		return
	}
	var problems []string
	if err := s.Check(func(p string) { problems = append(problems, p) }); err != nil {
		t.Fatal(err)
	}
	if len(problems) == 0 || died != nil {
		t.Fatalf("check found %v, and died is %v", problems, died)
	}
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Get(t.Context(), []byte("a"), nil); err == nil {
		t.Error("a damaged table was read")
	}
	if !errors.Is(died, ErrDied) || strings.Contains(died.Error(), "\n") { // Pebble's own text has its stack.
		t.Errorf("the hook was told %v", died)
	}
}

func list(t *testing.T, disk *vfs.MemFS) []string {
	t.Helper()
	names, err := disk.List("/db/data")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func remove(t *testing.T, disk *vfs.MemFS, path string) {
	t.Helper()
	if err := disk.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, disk *vfs.MemFS, path string) []byte {
	t.Helper()
	f, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func overwrite(t *testing.T, disk *vfs.MemFS, path string, text []byte) {
	t.Helper()
	f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
