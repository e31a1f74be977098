package wal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// directDisk is the machine's file system, on which the log's files are written past
// the page cache to space that exists already. A sync of a log that grows must also
// commit the file's new length to the file system's journal, and goes through the
// cache first; without the two it takes half the time, which is most of what an
// acknowledged write takes.
type directDisk struct{ vfs.FS }

// Direct returns the machine's file system fs in that way, where it can be had.
func Direct(fs vfs.FS) vfs.FS { return directDisk{fs} }

// Unwrap implements vfs.FS.
func (d directDisk) Unwrap() vfs.FS { return d.FS }

// Create implements vfs.FS.
func (d directDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, category)
	if err != nil || filepath.Ext(name) != fileSuffix {
		return f, err
	}
	return openLogFile(f, name), nil
}

// ReuseForWrite implements vfs.FS. What the old log held is space that exists.
func (d directDisk) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(oldname, newname, category)
	if err != nil || filepath.Ext(newname) != fileSuffix {
		return f, err
	}
	return openLogFile(f, newname), nil
}

// Sizes of a logFile.
const (
	logBlock     = 4096           // what a disk takes as a unit; the page size.
	logBuffer    = 256 * logBlock // what is written at once at most.
	logFirstStep = 64 * logBlock  // how far the file is filled ahead with zeros, at first
	logStep      = logBuffer      // and later.
)

// logFile is one file of the log. Writes are kept until a sync, or until the
// buffer is full. A sync writes the blocks that changed; the last of them is
// written again by the next, with the same bytes at its beginning, so that a torn
// write damages nothing that was durable.
//
// Behind its end the file holds zeros, or what an older log left there: the log's
// format knows both from what belongs to it.
type logFile struct {
	vfs.File            // by way of the page cache: for all but writing.
	direct   directFile // each write is durable when it returns.

	buf    []byte // block-aligned memory.
	n      int    // bytes of buf in use; the first are the file's at 'at'.
	at     int64  // a multiple of logBlock.
	clean  int    // bytes of buf that are durable already.
	filled int64  // the file's blocks up to here exist.

	// failed is why a write has failed. Nothing is written after that: what the disk
	// holds is not known, and what was refused must not become durable later.
	failed error
}

// directFile is what a logFile needs of a descriptor that goes past the page cache.
type directFile interface {
	io.WriterAt
	io.Closer
}

// openLogFile returns f as a logFile; f itself where the file system cannot do that.
func openLogFile(f vfs.File, name string) vfs.File {
	direct, err := os.OpenFile(name, os.O_WRONLY|syscall.O_DIRECT|syscall.O_DSYNC, 0)
	if err != nil {
		return f
	}
	l, err := newLogFile(f, direct)
	if err != nil {
		return f
	}
	return l
}

// newLogFile takes both descriptors of one file over; if it fails, direct is closed.
// Some file systems take the flags and then refuse the writes, so one is tried: a
// log that is written by way of the page cache is slow, one that fails is the end.
func newLogFile(f vfs.File, direct directFile) (l *logFile, err error) {
	l = &logFile{File: f, direct: direct}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return l, err
	}
	if l.buf, err = syscall.Mmap(-1, 0, logBuffer, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE); err != nil {
		return l, err
	}
	if l.filled = info.Size() / logBlock * logBlock; l.filled == 0 {
		return l, l.fill(1)
	}
	_, err = direct.WriteAt(l.buf[:logBlock], 0) // what an older log left there is of no use to anybody.
	return l, err
}

// fill makes blocks exist up to an offset, and some more.
func (l *logFile) fill(to int64) error {
	if to <= l.filled {
		return nil
	}
	step := int64(logStep)
	if l.filled == 0 {
		step = logFirstStep
	}
	zeros, err := syscall.Mmap(-1, 0, logBuffer, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Munmap(zeros) }()
	for end := max(to, l.filled+step); l.filled < end; {
		n, err := l.direct.WriteAt(zeros[:min(end-l.filled, logBuffer)], l.filled)
		if err != nil {
			return err
		}
		l.filled += int64(n)
	}
	return nil
}

// Write implements vfs.File. It is durable after the next Sync.
func (l *logFile) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if l.n == len(l.buf) {
			if err := l.flush(); err != nil {
				return n, err
			}
		}
		k := copy(l.buf[l.n:], p)
		l.n, n, p = l.n+k, n+k, p[k:]
	}
	return n, nil
}

// flush makes what was written durable, and keeps the last block if it is not full.
func (l *logFile) flush() error {
	if l.failed == nil && l.clean != l.n {
		l.failed = l.writeBlocks()
	}
	return l.failed
}

func (l *logFile) writeBlocks() error {
	end := (l.n + logBlock - 1) / logBlock * logBlock
	clear(l.buf[l.n:end])
	if end < len(l.buf) {
		if err := l.fill(l.at + int64(end)); err != nil {
			return err
		}
	}
	if _, err := l.direct.WriteAt(l.buf[:end], l.at); err != nil {
		return err
	}
	l.filled = max(l.filled, l.at+int64(end)) // a full buffer is large enough to be worth a longer file.
	full := l.n / logBlock * logBlock
	copy(l.buf, l.buf[full:l.n])
	l.at += int64(full)
	l.n -= full
	l.clean = l.n
	return nil
}

// Sync implements vfs.File.
func (l *logFile) Sync() error { return l.flush() }

// SyncData implements vfs.File.
func (l *logFile) SyncData() error { return l.flush() }

// SyncTo implements vfs.File.
func (l *logFile) SyncTo(int64) (full bool, err error) { return true, l.flush() }

// Preallocate implements vfs.File: it is done as the log grows.
func (l *logFile) Preallocate(_, _ int64) error { return nil }

// Fd implements vfs.File. Nobody may write by the descriptor of the page cache.
func (l *logFile) Fd() uintptr { return vfs.InvalidFd }

// Close implements vfs.File. It makes durable what was not synced.
func (l *logFile) Close() error {
	err := l.flush()
	return errors.Join(err, l.release(), l.File.Close())
}

// release gives the buffer and the second descriptor back.
func (l *logFile) release() error {
	var err error
	if l.buf != nil {
		err = syscall.Munmap(l.buf)
		l.buf = nil
	}
	return errors.Join(err, l.direct.Close())
}
