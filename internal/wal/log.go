package wal

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/invariant"
)

// Log is an open log. One caller at a time may be in Append or Rotate; everything
// else may be called by many at once, beside it.
type Log struct {
	fs   vfs.FS
	dir  string
	salt func() uint64

	writing  sync.Mutex // guards the files, and the next three; before mu.
	segments []segment  // by number; the last is the one that is written.
	file     vfs.File   // of it.
	spare    []byte     // the buffer that is not in use.

	mu      sync.Mutex // guards all below; a leaf.
	buf     []byte     // frames that are not written yet.
	end     place      // where the next frame goes, behind buf.
	durable int64      // how much of the file is on disk.
	last    uint64     // index of the last record.
	failed  error      // why nothing is written any more.

	draining bool           // drain runs, or is about to.
	running  sync.WaitGroup // drain.
}

// segment is one file of the log.
type segment struct {
	number uint64
	last   uint64 // index of its last record, or of the one before it if it has none.
	bytes  int64
	free   bool // nobody needs its records; they stand before those that are needed.
}

const (
	// drainBytes is what the buffer holds when it is written out in the background.
	drainBytes = 512 << 10
	// bufferBytes is what it holds when Append waits for that.
	bufferBytes = 4 << 20
	// sparesMax is how many files that are not needed are kept to be used again: the
	// disk has room for them, and knows where it is.
	sparesMax = 2
	// spareBytesMax is how large one of them may be.
	spareBytesMax = 256 << 20
)

// Append adds a record, which Sync makes durable. Its index is above all before.
// Nothing of data is kept. size is how large the file is that it went to.
func (l *Log) Append(index uint64, data []byte) (size int64, err error) {
	l.mu.Lock()
	if last := l.last; index <= last || len(data) > math.MaxUint32 {
		l.mu.Unlock()
		invariant.Check(false, "record %d of %d bytes is appended after %d", index, len(data), last)
	}
	if err := l.failed; err != nil {
		l.mu.Unlock()
		return 0, err
	}
	if frameBytes(len(data)) <= int64(bufferBytes-len(l.buf)) {
		defer l.mu.Unlock()
		l.put(index, data)
		if len(l.buf) >= drainBytes && !l.draining {
			l.draining = true
			l.running.Go(l.drain)
		}
		return l.end.offset, nil
	}
	l.mu.Unlock()
	return l.appendWritten(index, data)
}

// appendWritten is Append to a full buffer, or of a record larger than that.
func (l *Log) appendWritten(index uint64, data []byte) (size int64, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.write(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frame(index, data)
	for rest := data; len(rest) > 0; {
		if len(l.buf) == bufferBytes {
			if _, err := l.file.Write(l.buf); err != nil { // nobody else appends: the order stays.
				return 0, l.fail(err)
			}
			l.buf = l.buf[:0]
		}
		n := min(len(rest), bufferBytes-len(l.buf))
		l.buf, rest = append(l.buf, rest[:n]...), rest[n:]
	}
	l.pad(len(data))
	return l.end.offset, nil
}

// put adds the frame of data to the buffer. l.mu is held, as by the next three.
func (l *Log) put(index uint64, data []byte) {
	l.frame(index, data)
	l.buf = append(l.buf, data...)
	l.pad(len(data))
}

// frame begins a frame for data in the buffer.
func (l *Log) frame(index uint64, data []byte) {
	l.buf = l.end.appendHeader(l.buf, header{
		dataSum: dataSum(data), length: uint32(len(data)), index: index, durable: uint64(l.durable),
	})
	l.end.offset += frameBytes(len(data))
	l.last = index
}

// pad ends the frame of n bytes of data.
func (l *Log) pad(n int) {
	l.buf = append(l.buf, make([]byte, padding(n))...)
}

// fail remembers an error for all who come later.
func (l *Log) fail(err error) error {
	if err != nil && l.failed == nil {
		l.failed = fmt.Errorf("write the log: %w", err)
	}
	return l.failed
}

// drain writes the buffer out while others append.
func (l *Log) drain() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.draining = false
	l.mu.Unlock()
	// The error is kept, and told to who comes next.
	_ = l.write()
}

// write gives the buffer to the file, unsynced. l.writing is held.
func (l *Log) write() error {
	l.mu.Lock()
	out, err := l.buf, l.failed
	l.buf, l.spare = l.spare[:0], out
	l.mu.Unlock()
	if err == nil && len(out) > 0 {
		_, err = l.file.Write(out)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fail(err)
}

// Sync makes everything durable that was appended before it was called. After an
// error nothing ever is any more, and what the disk holds is not known.
func (l *Log) Sync() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.sync()
}

// sync is Sync. l.writing is held.
func (l *Log) sync() error {
	l.mu.Lock()
	end := l.end.offset // what is appended from here on may be written too; it is not promised.
	l.mu.Unlock()
	if err := l.write(); err != nil {
		return err
	}
	err := l.file.SyncData()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.durable = end
	}
	return l.fail(err)
}

// Rotate makes everything durable, and begins another file.
func (l *Log) Rotate() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.sync(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	written := &l.segments[len(l.segments)-1]
	written.last, written.bytes = l.last, l.end.offset
	err := l.file.Close()
	if err == nil {
		err = l.begin()
	}
	return l.fail(err)
}

// begin begins the file after the last one, and makes it durable. Both locks are held.
func (l *Log) begin() error {
	next := segment{number: 1, last: l.last}
	if n := len(l.segments); n > 0 {
		next.number = l.segments[n-1].number + 1
	}
	f, err := l.newFile(next.number)
	if err != nil {
		return err
	}
	l.file, l.segments = f, append(l.segments, next)
	if err := SyncDir(l.fs, l.dir); err != nil {
		return err
	}
	l.end, l.durable = place{}, 0
	data := encodeOpening(next.number, l.salt())
	l.put(l.last, data)
	l.end.file = dataSum(data)
	if _, err := l.file.Write(l.buf); err != nil {
		return err
	}
	l.buf = l.buf[:0]
	if err := l.file.SyncData(); err != nil {
		return err
	}
	l.durable = l.end.offset
	return nil
}

// newFile returns the file of a number, which may hold what an older one left.
func (l *Log) newFile(number uint64) (vfs.File, error) {
	path := l.path(number)
	if len(l.segments) == 0 || !l.segments[0].free {
		return l.fs.Create(path, vfs.WriteCategoryUnspecified)
	}
	f, err := l.fs.ReuseForWrite(l.path(l.segments[0].number), path, vfs.WriteCategoryUnspecified)
	if err == nil {
		l.segments = l.segments[1:]
	}
	return f, err
}

// Release says that the records up to index are not needed any more. If a file
// cannot be removed, that is told, and does no harm.
func (l *Log) Release(index uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	free := 0
	for ; free < len(l.segments)-1 && l.segments[free].last <= index; free++ {
		l.segments[free].free = true
	}
	for ; free > 0 && (free > sparesMax || l.segments[0].bytes > spareBytesMax); free-- {
		if err := l.fs.Remove(l.path(l.segments[0].number)); err != nil {
			return fmt.Errorf("remove what the log does not need: %w", err)
		}
		l.segments = l.segments[1:]
	}
	return nil
}

// Bytes is how much of its files the log has written.
func (l *Log) Bytes() int64 {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.end.offset
	for _, s := range l.segments {
		sum += s.bytes
	}
	return sum
}

// Close makes everything durable and closes the file. Nothing may be called after it.
func (l *Log) Close() error {
	l.running.Wait()
	l.writing.Lock()
	defer l.writing.Unlock()
	return errors.Join(l.sync(), l.file.Close())
}
