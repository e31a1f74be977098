package exec

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// sorter sorts its input, or finds the first limit of it, in memory. Past the
// budget it fails: nothing is spilled to disk yet.
type sorter struct {
	base
	sort  *query.Sort
	limit int64 // zero: all.

	sorted bool
	held   []sortEntry // while limited: a heap, the last of them at the top.
	at     int
	key    []byte // scratch.
	seq    int64
	bytes  int64
	arena  arena
}

type sortEntry struct {
	key, doc []byte
	seq      int64 // equal keys stay in the order that they came in.
}

// entryBytes is what an entry costs beside its bytes.
const entryBytes = 64

func (e sortEntry) compare(o sortEntry) int {
	if c := bytes.Compare(e.key, o.key); c != 0 {
		return c
	}
	return int(e.seq - o.seq)
}

func (r *run) sort(b base, s *query.Sort, limit int64) *sorter {
	return &sorter{base: b, sort: s, limit: limit}
}

// Next gives the next document in the order of the sort.
func (s *sorter) Next(ctx context.Context) (bsonx.Doc, error) {
	if !s.sorted {
		if err := s.fill(ctx); err != nil {
			return nil, err
		}
		slices.SortFunc(s.held, sortEntry.compare)
		s.sorted = true
	}
	if s.at == len(s.held) {
		return nil, s.done()
	}
	doc := s.held[s.at].doc
	s.at++
	return s.gave(doc)
}

func (s *sorter) fill(ctx context.Context) error {
	for {
		doc, err := s.next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if s.key, err = s.sort.AppendKey(s.key[:0], doc); err != nil {
			return err
		}
		s.seq++
		if s.limit > 0 && int64(len(s.held)) == s.limit {
			s.contend(doc)
		} else {
			s.keep(doc)
		}
		if s.bytes > s.run.MemoryBytesMax {
			return fail(mongoerr.QueryExceededMemoryLimitNoDiskUseAllowed,
				"Sort exceeded memory limit of %d bytes, but did not opt in to external sorting.", s.run.MemoryBytesMax)
		}
		s.stats.BytesHeld = max(s.stats.BytesHeld, s.bytes)
	}
}

func (s *sorter) keep(doc bsonx.Doc) {
	s.bytes += int64(len(s.key) + len(doc) + entryBytes)
	if s.limit == 0 {
		s.held = append(s.held, sortEntry{s.arena.copy(s.key), s.arena.copy(doc), s.seq})
		return
	}
	s.held = append(s.held, sortEntry{bytes.Clone(s.key), bytes.Clone(doc), s.seq})
	s.up(len(s.held) - 1)
}

// contend replaces the last of the documents held if the new one comes before it,
// in the same memory.
func (s *sorter) contend(doc bsonx.Doc) {
	top := &s.held[0]
	if bytes.Compare(s.key, top.key) >= 0 {
		return
	}
	s.bytes += int64(len(s.key) + len(doc) - len(top.key) - len(top.doc))
	top.key = append(top.key[:0], s.key...)
	top.doc = append(top.doc[:0], doc...)
	top.seq = s.seq
	s.down(0)
}

func (s *sorter) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if s.held[i].compare(s.held[parent]) <= 0 {
			return
		}
		s.held[i], s.held[parent] = s.held[parent], s.held[i]
		i = parent
	}
}

func (s *sorter) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.held) {
			return
		}
		if child+1 < len(s.held) && s.held[child+1].compare(s.held[child]) > 0 {
			child++
		}
		if s.held[child].compare(s.held[i]) <= 0 {
			return
		}
		s.held[i], s.held[child] = s.held[child], s.held[i]
		i = child
	}
}

// Close lets the documents go.
func (s *sorter) Close() error {
	s.held, s.arena, s.sorted, s.at = nil, arena{}, true, 0
	return s.base.Close()
}

// arena hands out copies from large blocks.
type arena struct{ block []byte }

const arenaBlockBytes = 64 << 10

func (a *arena) copy(b []byte) []byte {
	if len(b) > arenaBlockBytes/4 {
		return bytes.Clone(b)
	}
	if cap(a.block)-len(a.block) < len(b) {
		a.block = make([]byte, 0, arenaBlockBytes)
	}
	at := len(a.block)
	a.block = append(a.block, b...)
	return a.block[at:len(a.block):len(a.block)]
}
