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
	if err := l.replay(numbers, opt); err != nil {
		return nil, err
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

// replay reads the files of these numbers, as far as there is something to replay.
func (l *Log) replay(numbers []uint64, opt Options) (err error) {
	readers := make([]*reader, 0, len(numbers))
	defer func() {
		for _, r := range readers {
			err = errors.Join(err, r.file.Close())
		}
	}()
	begun := false
	for _, number := range numbers {
		r, err := openReader(l.fs, l.path(number))
		if err != nil {
			return err
		}
		readers = append(readers, r)
		if err := r.opening(number); err != nil {
			return err
		}
		begun = begun || r.begun
	}
	if opt.MustExist && !begun {
		return fmt.Errorf("%w: its files are missing", ErrDamaged)
	}
	for i, r := range readers {
		s := segment{number: numbers[i], last: r.after, bytes: r.size}
		if i+1 < len(readers) && readers[i+1].begun && readers[i+1].after <= l.last {
			s.last = readers[i+1].after // all in it is known.
		} else if err := l.replayFile(r, &s, opt.Replay); err != nil {
			return err
		}
		l.segments = append(l.segments, s)
	}
	return nil
}

// replayFile reads one file, if it was begun: a crash can leave one that was not.
func (l *Log) replayFile(r *reader, s *segment, each func(uint64, []byte) error) error {
	if !r.begun {
		return nil
	}
	if r.after > l.last {
		return r.damaged("it begins after record %d, and the last one before it is %d", r.after, l.last)
	}
	if err := l.replayRecords(r, s, each); err != nil {
		return err
	}
	// A process that was killed may have left what only the page cache has.
	if err := r.file.Sync(); err != nil {
		return err
	}
	promised, err := r.promised()
	if err == nil && promised > r.at.offset {
		err = r.damaged("%d bytes were durable, %d can be read", promised, r.at.offset)
	}
	return err
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
			return r.damaged("record %d stands after %d", h.index, s.last)
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
	name  string
	file  vfs.File
	from  *bufio.Reader // file.
	size  int64
	begun bool   // set by opening.
	after uint64 // index of the last record before the file, if that was begun.
	at    place  // of the next frame.
	head  [headerBytes]byte
}

func openReader(fs vfs.FS, path string) (*reader, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &reader{name: fs.PathBase(path), file: f, from: bufio.NewReaderSize(f, 256<<10), size: info.Size()}, nil
}

func (r *reader) damaged(why string, args ...any) error {
	return fmt.Errorf("%w: file %s: %s", ErrDamaged, r.name, fmt.Sprintf(why, args...))
}

// opening reads the first frame. A file was not begun if it holds nothing yet, or what
// an older one left.
func (r *reader) opening(number uint64) error {
	if r.size < frameBytes(openingBytes) {
		return nil
	}
	h, data, err := r.next()
	if errors.Is(err, io.EOF) && r.head == [headerBytes]byte{} {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	opened, ok := decodeOpening(data)
	if !ok {
		return r.damaged("it does not begin like a log")
	}
	r.at.file, r.begun = dataSum(data), opened == number
	if r.begun {
		r.after = h.index
	}
	return nil
}

// next returns the next frame; io.EOF is where no frame begins, or one that is not
// whole. data is new memory.
func (r *reader) next() (h header, data []byte, err error) {
	left := r.size - r.at.offset
	if left < headerBytes {
		return h, nil, io.EOF
	}
	if _, err := io.ReadFull(r.from, r.head[:]); err != nil {
		return h, nil, shrunk(err)
	}
	h, ok := r.at.parseHeader(r.head[:])
	if !ok || frameBytes(int(h.length)) > left {
		return h, nil, io.EOF
	}
	data = make([]byte, int(h.length)+padding(int(h.length)))
	if _, err := io.ReadFull(r.from, data); err != nil {
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
func (r *reader) promised() (int64, error) {
	const window = 1 << 20 // a multiple of frameAlign.
	most := int64(0)
	buf := make([]byte, min(window+headerBytes, r.size-r.at.offset))
	for at := r.at; at.offset < r.size; at.offset += window {
		n, err := r.file.ReadAt(buf[:min(int64(len(buf)), r.size-at.offset)], at.offset)
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

// SyncDir makes the names in a directory durable.
func SyncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
