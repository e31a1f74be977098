package wal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDamaged: records that were durable are missing, or do not read as they were written.
var ErrDamaged = errors.New("the log is damaged")

// Options of Open.
type Options struct {
	FS  vfs.FS
	Dir string // exists, and is the log's alone.

	// MustExist: the log was made before, so it is damaged if there is none.
	MustExist bool

	Salt func() uint64 // random numbers.

	// After is the index up to which the caller has everything.
	After uint64
	// Replay is called with each record after that, in order. It may keep data.
	Replay func(index uint64, data []byte) error
}

// fileSuffix is the end of the name of a log's file; before it stands its number.
const fileSuffix = ".wal"

func (l *Log) path(number uint64) string {
	return l.fs.PathJoin(l.dir, fmt.Sprintf("%08d%s", number, fileSuffix))
}

// Open reads what is left of the log and begins a new file. What was replayed is
// durable when it returns, and kept until it is released.
func Open(opt Options) (*Log, error) {
	l := &Log{fs: opt.FS, dir: opt.Dir, salt: opt.Salt, last: opt.After}
	numbers, err := fileNumbers(opt.FS, opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("list the log's files: %w", err)
	}
	found := false
	for _, number := range numbers {
		s, ok, err := l.replay(number, opt.Replay)
		if err != nil {
			return nil, err
		}
		found = found || ok
		l.segments = append(l.segments, s)
	}
	if opt.MustExist && !found {
		return nil, fmt.Errorf("%w: its files are missing", ErrDamaged)
	}
	if err := l.begin(); err != nil {
		return nil, fmt.Errorf("begin a file of the log: %w", err)
	}
	return l, nil
}

// fileNumbers lists the log's files, ascending.
func fileNumbers(fs vfs.FS, dir string) ([]uint64, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(fs.PathBase(name), fileSuffix)
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 63); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// replay reads one file. ok tells that it was begun: a crash can leave one that was not.
func (l *Log) replay(number uint64, each func(uint64, []byte) error) (s segment, ok bool, err error) {
	path := l.path(number)
	damaged := func(why string, args ...any) error {
		return fmt.Errorf("%w: file %s: %s", ErrDamaged, l.fs.PathBase(path), fmt.Sprintf(why, args...))
	}
	f, err := l.fs.Open(path)
	if err != nil {
		return s, false, err
	}
	defer f.Close()
	r, err := newReader(f)
	if err != nil {
		return s, false, err
	}
	s = segment{number: number, bytes: r.size}
	opened, after, err := r.opening()
	switch {
	case errors.Is(err, io.EOF):
		return s, false, damaged("it does not begin like a log")
	case err != nil:
		return s, false, err
	case opened != number:
		return s, false, nil // it was not begun: what is there is an older file's.
	case after > l.last:
		return s, false, damaged("it begins after record %d, and the last one before it is %d", after, l.last)
	}
	s.last = after
	if err := l.replayRecords(r, &s, each); err != nil {
		return s, false, err
	}
	// A process that was killed may have left what only the page cache has.
	if err := f.Sync(); err != nil {
		return s, false, err
	}
	promised, err := r.promised(f)
	if err == nil && promised > r.at.offset {
		err = damaged("%d bytes were durable, %d can be read", promised, r.at.offset)
	}
	return s, true, err
}

// replayRecords passes on the records of one file, up to where they end.
func (l *Log) replayRecords(r *reader, s *segment, each func(uint64, []byte) error) error {
	for {
		h, data, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.index <= s.last {
			return fmt.Errorf("%w: record %d stands after %d", ErrDamaged, h.index, s.last)
		}
		s.last = h.index
		if h.index <= l.last {
			continue
		}
		if err := each(h.index, data); err != nil {
			return err
		}
		l.last = h.index
	}
}

// reader reads the frames of one file.
type reader struct {
	file *bufio.Reader
	at   place // of the next frame.
	size int64
	head [headerBytes]byte
}

func newReader(f vfs.File) (*reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &reader{file: bufio.NewReaderSize(f, 256<<10), size: info.Size()}, nil
}

// opening reads the first frame, and returns the file's number and the index of the
// last record before it. A file that holds nothing yet has number zero; one that does
// not begin like a log is io.EOF.
func (r *reader) opening() (number, after uint64, err error) {
	if r.size < frameBytes(openingBytes) {
		return 0, 0, nil
	}
	h, data, err := r.next()
	if errors.Is(err, io.EOF) && r.head == [headerBytes]byte{} {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	number, ok := decodeOpening(data)
	if !ok {
		return 0, 0, io.EOF
	}
	r.at.file = dataSum(data)
	return number, h.index, nil
}

// next returns the next frame; io.EOF is where no frame begins, or one that is not
// whole. data is new memory.
func (r *reader) next() (h header, data []byte, err error) {
	left := r.size - r.at.offset
	if left < headerBytes {
		return h, nil, io.EOF
	}
	if _, err := io.ReadFull(r.file, r.head[:]); err != nil {
		return h, nil, shrunk(err)
	}
	h, ok := r.at.parseHeader(r.head[:])
	if !ok || frameBytes(int(h.length)) > left {
		return h, nil, io.EOF
	}
	data = make([]byte, int(h.length)+padding(int(h.length)))
	if _, err := io.ReadFull(r.file, data); err != nil {
		return h, nil, shrunk(err)
	}
	if data = data[:h.length:h.length]; dataSum(data) != h.dataSum {
		return h, nil, io.EOF
	}
	r.at.offset += frameBytes(len(data))
	return h, data, nil
}

// shrunk is the error of a file that is shorter than it was.
func shrunk(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: a file became shorter while it was read", ErrDamaged)
	}
	return err
}

// promised looks behind the end for frames that say how much of the file was durable
// before them, and returns the most.
func (r *reader) promised(f vfs.File) (int64, error) {
	const window = 1 << 20 // a multiple of frameAlign.
	most := int64(0)
	buf := make([]byte, min(window+headerBytes, r.size-r.at.offset))
	for at := r.at; at.offset < r.size; at.offset += window {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), r.size-at.offset)], at.offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		p := at
		for i := 0; i < min(n, window); i += frameAlign {
			p.offset = at.offset + int64(i)
			if h, ok := p.parseHeader(buf[i:n]); ok && h.durable <= math.MaxInt64 {
				most = max(most, int64(h.durable))
			}
		}
	}
	return most, nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
