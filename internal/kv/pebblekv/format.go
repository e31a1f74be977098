package pebblekv

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/wal"
)

// Files of a store; see docs/format/store.md.
const (
	formatFile = "FORMAT" // what the store is; written before anything else.
	lockFile   = "LOCK"   // held while the store is open.
	dataDir    = "data"   // Pebble's.
	logDir     = "log"    // of package wal.

	formatVersion = 2
	formatOwnLog  = 2 // the first with a log of its own; in 1 it was Pebble's, which reads it when it opens.

	// crashRenameSuffix is what a format file is called until it is whole.
	crashRenameSuffix = ".new"
)

// format is the content of the format file.
type format struct {
	version int
	id      string // hex, of this store, made once.
	ready   bool   // Pebble's store has been made: it must be there from now on.
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode is four lines for people, and a sum for torn files.
func (f format) encode() string {
	state := "creating"
	if f.ready {
		state = "ready"
	}
	body := fmt.Sprintf("pando store\nformat %d\nid %s\nstate %s\n", f.version, f.id, state)
	return fmt.Sprintf("%ssum %08x\n", body, crc32.Checksum([]byte(body), castagnoli))
}

// decodeFormat reads no further than the version of a newer format.
func decodeFormat(text string) (format, error) {
	var f format
	rest, ok := strings.CutPrefix(text, "pando store\n")
	if !ok {
		return f, fmt.Errorf("%w: file %s does not begin like one of a store", ErrDamaged, formatFile)
	}
	if _, err := fmt.Sscanf(rest, "format %d\n", &f.version); err != nil {
		return f, fmt.Errorf("%w: file %s tells no version", ErrDamaged, formatFile)
	}
	if f.version > formatVersion {
		return f, fmt.Errorf("%w: format %d, known up to %d", ErrNewerFormat, f.version, formatVersion)
	}
	var state string
	if _, err := fmt.Sscanf(rest, "format %d\nid %s\nstate %s\n", &f.version, &f.id, &state); err != nil {
		return f, fmt.Errorf("%w: file %s is torn", ErrDamaged, formatFile)
	}
	f.ready = state == "ready"
	if f.encode() != text {
		return f, fmt.Errorf("%w: file %s has a wrong sum", ErrDamaged, formatFile)
	}
	return f, nil
}

func newFormat(e *env.Env) format {
	id := e.UUID()
	return format{version: formatVersion, id: hex.EncodeToString(id[:])}
}

// readFormat returns the format of the store in dir. A directory without one, and
// without data, has ok false.
func readFormat(disk vfs.FS, dir string) (f format, ok bool, err error) {
	file, err := disk.Open(disk.PathJoin(dir, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		if names, err := disk.List(disk.PathJoin(dir, dataDir)); err == nil && len(names) > 0 {
			return f, false, fmt.Errorf("%w: file %s is missing", ErrDamaged, formatFile)
		}
		return f, false, nil
	}
	if err != nil {
		return f, false, err
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return f, false, err
	}
	f, err = decodeFormat(string(text))
	return f, err == nil, err
}

// Exists tells if dir holds a store, without making or locking anything.
func Exists(dir string) (bool, error) {
	_, ok, err := readFormat(vfs.Default, dir)
	return ok, err
}

// writeFormat replaces the format file: afterwards it is the old one or the new
// one, whatever happens.
func writeFormat(disk vfs.FS, dir string, f format) error {
	path := disk.PathJoin(dir, formatFile)
	file, err := disk.Create(path+crashRenameSuffix, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write([]byte(f.encode()))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := disk.Rename(path+crashRenameSuffix, path); err != nil {
		return err
	}
	return wal.SyncDir(disk, dir)
}

// rewriteFormat writes f in the newest format.
func (s *Store) rewriteFormat(dir string, f *format) error {
	f.version = formatVersion
	if err := writeFormat(s.disk, dir, *f); err != nil {
		return fmt.Errorf("write file %s: %w", formatFile, err)
	}
	return nil
}

// makeDir makes dir and those above it, and their entries durable.
func makeDir(disk vfs.FS, dir string) error {
	var parents []string
	for at := dir; ; at = disk.PathDir(at) {
		if _, err := disk.Stat(at); err == nil {
			break
		}
		parent := disk.PathDir(at)
		if parent == at {
			break
		}
		parents = append(parents, parent)
	}
	if err := disk.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := wal.SyncDir(disk, parent); err != nil {
			return err
		}
	}
	return nil
}

// lockDir keeps other processes out.
func lockDir(disk vfs.FS, dir string) (io.Closer, error) {
	lock, err := disk.Lock(disk.PathJoin(dir, lockFile))
	if err == nil {
		return lock, nil
	}
	if _, isPath := errors.AsType[*fs.PathError](err); isPath {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return nil, fmt.Errorf("%w: %s (%w)", ErrLocked, dir, err)
}

// told gives an error of pebble.Open its kind.
func told(err error) error {
	switch {
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return fmt.Errorf("%w: its files are missing: %w", ErrDamaged, err)
	case errors.Is(err, fs.ErrNotExist), pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case strings.Contains(err.Error(), "written in unknown format major version"):
		return fmt.Errorf("%w: %w", ErrNewerFormat, err) // Pebble has no sentinel for it.
	}
	return fmt.Errorf("open the store: %w", err)
}
