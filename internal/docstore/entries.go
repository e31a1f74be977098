package docstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/keyenc"
)

// The first byte of an index entry's value: see docs/format/index-entry.md.
const (
	entryHasID   = 1 << 0 // the encoded _id ends the value, and not the key.
	entryIsLong  = 1 << 1 // the key ends in a hash.
	entryHasBits = 1 << 2 // type bits follow: of the fields, of the _id.
)

// encodedID is a document's _id in the forms that entries need.
type encodedID struct {
	key  []byte // as EncodeID makes it.
	bits []byte // type bits, so that covered reads give back the type.
}

// identified is a document with its _id, encoded once for its key and all its entries.
type identified struct {
	doc bsonx.Doc
	encodedID
}

// entrySet is the entries of one document in one index, in the order of their
// keys and without doubles. It is reused.
type entrySet struct {
	coll  *catalog.Collection
	idx   *catalog.Index
	buf   []byte // keys and values.
	list  []entry
	vals  []bsonx.Value // the tuples, for errors; borrowed from the document.
	bits  keyenc.TypeBits
	flags catalog.IndexFlags
}

type entry struct {
	key, mid, end int // buf[key:mid] is the key, buf[mid:end] the value.
	vals          int // where the tuple begins.
}

func (s *entrySet) key(i int) []byte   { return s.buf[s.list[i].key:s.list[i].mid] }
func (s *entrySet) value(i int) []byte { return s.buf[s.list[i].mid:s.list[i].end] }

// tuple is the values that the i-th entry was made from.
func (s *entrySet) tuple(i int) []bsonx.Value {
	at := s.list[i].vals
	return s.vals[at : at+len(s.idx.Fields)]
}

// reset makes s the set of no entries in an index.
func (s *entrySet) reset(coll *catalog.Collection, idx *catalog.Index) {
	s.coll, s.idx = coll, idx
	s.buf, s.list, s.vals, s.flags = s.buf[:0], s.list[:0], s.vals[:0], 0
}

// forget lets go of all that is not s's own memory.
func (s *entrySet) forget() {
	s.coll, s.idx = nil, nil
	clear(s.vals)
}

// extract makes s the entries of a document in an index.
func (s *entrySet) extract(coll *catalog.Collection, idx *catalog.Index, d identified) error {
	s.reset(coll, idx)
	w := walker{set: s, idx: idx, id: d.encodedID}
	if err := w.run(d.doc); err != nil {
		return err
	}
	s.settle()
	return nil
}

func (s *entrySet) add(tuple []cursor, id encodedID) {
	idx, e := s.idx, entry{key: len(s.buf), vals: len(s.vals)}
	s.buf = catalog.AppendPrefix(s.buf, s.coll.ID, idx.ID)
	fields := len(s.buf)
	s.bits.Reset()
	for i, c := range tuple {
		s.vals = append(s.vals, c.val)
		s.buf = keyenc.AppendTyped(s.buf, &s.bits, c.val, idx.Fields[i].Desc)
	}
	if !idx.Unique {
		s.buf = append(s.buf, id.key...)
	}
	var flags byte
	if idx.Unique {
		flags |= entryHasID
	}
	if short, hashed := keyenc.Bound(s.buf[fields:]); hashed {
		s.buf = append(s.buf[:fields], short...)
		s.flags |= catalog.FlagLong
		flags |= entryIsLong | entryHasID
	}
	e.mid = len(s.buf)
	bits := s.bits.Bytes()
	if len(bits)+len(id.bits) > 0 {
		flags |= entryHasBits
	}
	s.buf = append(s.buf, flags)
	if flags&entryHasBits != 0 {
		s.buf = appendSized(appendSized(s.buf, bits), id.bits)
	}
	if flags&entryHasID != 0 {
		s.buf = append(s.buf, id.key...)
	}
	e.end = len(s.buf)
	s.list = append(s.list, e)
}

func appendSized(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// settle sorts the entries and removes doubles: a document whose array holds a
// value twice has one entry for it.
func (s *entrySet) settle() {
	if len(s.list) < 2 {
		return
	}
	keyOf := func(e entry) []byte { return s.buf[e.key:e.mid] }
	slices.SortStableFunc(s.list, func(a, b entry) int { return bytes.Compare(keyOf(a), keyOf(b)) })
	s.list = slices.CompactFunc(s.list, func(a, b entry) bool { return bytes.Equal(keyOf(a), keyOf(b)) })
}

// entryValue is an entry's value taken apart; its parts are borrowed.
type entryValue struct {
	flags  byte
	bits   []byte
	idBits []byte
	id     []byte // if entryHasID
}

var errBadEntry = errors.New("docstore: malformed index entry")

func parseEntryValue(b []byte) (v entryValue, err error) {
	if len(b) == 0 || b[0]&^(entryHasID|entryIsLong|entryHasBits) != 0 {
		return v, errBadEntry
	}
	v.flags, b = b[0], b[1:]
	if v.flags&entryHasBits != 0 {
		var ok1, ok2 bool
		v.bits, b, ok1 = cutSized(b)
		v.idBits, b, ok2 = cutSized(b)
		if !ok1 || !ok2 {
			return v, errBadEntry
		}
	}
	v.id = b
	if (len(b) > 0) != (v.flags&entryHasID != 0) {
		return v, errBadEntry
	}
	return v, nil
}

func cutSized(b []byte) (part, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, false
	}
	return b[used : used+int(n)], b[used+int(n):], true
}
