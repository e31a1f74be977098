package docstore

import (
	"bytes"
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
)

// Bounds of a scan, in encoded values without what keys begin with: an _id's for
// Scan, fields' for ScanIndex (any number of them, and an _id after all).
type Bounds struct {
	Lower, Upper []byte // inclusive, exclusive; nil is open.
	Reverse      bool
	KeysOnly     bool // of Scan: no documents are asked for.
}

// within puts bounds behind the prefix of an index. Bounds longer than keys may
// be are widened to the part that long keys keep.
func (b Bounds) within(coll uint64, index uint32) kv.Range {
	r := kv.Range{Reverse: b.Reverse, KeysOnly: b.KeysOnly}
	r.Lower = catalog.AppendPrefix(nil, coll, index)
	if b.Upper == nil {
		r.Upper = catalog.AppendPrefix(nil, coll, index+1)
	} else {
		upper := b.Upper
		if cut, is := keyenc.Prefix(upper); is {
			upper = keyenc.Successor(cut)
		}
		r.Upper = append(bytes.Clone(r.Lower), upper...)
	}
	lower, _ := keyenc.Prefix(b.Lower)
	r.Lower = append(r.Lower, lower...)
	return r
}

// DocIterator walks documents in the order of their _ids, or of their insertion.
// What it returns is borrowed until the next call. It must be closed before its
// transaction ends.
type DocIterator struct {
	it  kv.Iterator
	key []byte // scratch for Seek, beginning with the prefix.

	// Of a walk in the order of insertion, whose keys are numbers: fetch appends the
	// document with that encoded _id.
	fetch func(encID, dst []byte) (bsonx.Doc, error)
	doc   bsonx.Doc
	err   error
}

// Scan walks the documents of a collection within bounds.
func (tx *Tx) Scan(ctx context.Context, coll *catalog.Collection, b Bounds) (*DocIterator, error) {
	it, err := tx.scan(ctx, coll, b.within(coll.ID, catalog.IDIndex))
	if err != nil {
		return nil, err
	}
	return &DocIterator{it: it, key: catalog.AppendPrefix(nil, coll.ID, catalog.IDIndex)}, nil
}

// Next moves to the next document, at first to the first, and tells if there is one.
func (d *DocIterator) Next() bool { return d.load(d.it.Next()) }

// load fetches the current document, if it does not stand here itself.
func (d *DocIterator) load(ok bool) bool {
	if !ok || d.fetch == nil {
		return ok
	}
	d.doc, d.err = d.fetch(d.it.Value(), d.doc[:0])
	return d.err == nil
}

// Seek moves, in the direction of the scan only, to the first document at or past
// a position: an encoded _id, where they are in that order.
func (d *DocIterator) Seek(position []byte) bool {
	d.key = append(d.key[:catalog.PrefixBytes], position...)
	return d.load(d.it.Seek(d.key))
}

// ID is the current document's encoded _id.
func (d *DocIterator) ID() []byte {
	if d.fetch != nil {
		return d.it.Value()
	}
	return d.Position()
}

// Key is ID, under the name that an [IndexIterator] has for it.
func (d *DocIterator) Key() []byte { return d.ID() }

// Long tells whether the end of the _id is hashed: the document must be looked at
// to know it.
func (d *DocIterator) Long() bool { return HashedID(d.ID()) }

// Position is what Seek takes to come back to this document, or to the next one if
// it is gone.
func (d *DocIterator) Position() []byte { return d.it.Key()[catalog.PrefixBytes:] }

// Doc is the current document; nothing useful if KeysOnly was asked for.
func (d *DocIterator) Doc() bsonx.Doc {
	if d.fetch != nil {
		return d.doc
	}
	return d.it.Value()
}

// Err is why Next or Seek was false, if not for the end.
func (d *DocIterator) Err() error {
	if d.err != nil {
		return d.err
	}
	return d.it.Err()
}

// Close ends the scan.
func (d *DocIterator) Close() error { return d.it.Close() }

// IndexIterator walks the entries of an index in their order. What it returns is
// borrowed until the next call. It must be closed before its transaction ends.
type IndexIterator struct {
	it     kv.Iterator
	idx    *catalog.Index
	bounds Bounds
	seek   []byte // scratch for Seek, beginning with the prefix.

	tail   []byte // the current key behind the prefix.
	value  entryValue
	fields int // how many bytes of tail are the fields'; all of a long one.
	reader keyenc.TypeBitsReader
	err    error
}

// ScanIndex walks the entries of one of a collection's indexes within bounds. The
// index on _id has an entry for each document.
//
// Entries with Long set have lost the end of their values: they may lie outside of
// the bounds by what was lost, and are out of order beyond it. All others are
// within the bounds.
func (tx *Tx) ScanIndex(ctx context.Context, coll *catalog.Collection, idx *catalog.Index, b Bounds) (*IndexIterator, error) {
	r := b.within(coll.ID, idx.ID)
	r.KeysOnly = false
	it, err := tx.scan(ctx, coll, r)
	if err != nil {
		return nil, err
	}
	return &IndexIterator{it: it, idx: idx, bounds: b, seek: catalog.AppendPrefix(nil, coll.ID, idx.ID)}, nil
}

// Next moves to the next entry, at first to the first, and tells if there is one.
func (i *IndexIterator) Next() bool { return i.settle(i.it.Next()) }

// Seek moves, in the direction of the scan only, to the first entry whose fields
// (and _id, for as much as key holds of it) are at or past key.
func (i *IndexIterator) Seek(key []byte) bool {
	key, _ = keyenc.Prefix(key)
	i.seek = append(i.seek[:catalog.PrefixBytes], key...)
	return i.settle(i.it.Seek(i.seek))
}

// settle reads the current entry, and goes on while it is one that only widened
// bounds let in.
func (i *IndexIterator) settle(ok bool) bool {
	for ; ok; ok = i.it.Next() {
		if i.err = i.load(); i.err != nil {
			return false
		}
		if i.Long() || i.bounds.hold(i.tail) {
			return true
		}
	}
	return false
}

// hold tells whether a key is within bounds as they were meant. Only those that
// were widened can be missed.
func (b Bounds) hold(tail []byte) bool {
	return bytes.Compare(tail, b.Lower) >= 0 && (b.Upper == nil || bytes.Compare(tail, b.Upper) < 0)
}

func (i *IndexIterator) load() (err error) {
	i.tail = i.it.Key()[catalog.PrefixBytes:]
	i.fields = len(i.tail)
	if i.idx.ID == catalog.IDIndex {
		i.value = entryValue{}
		if HashedID(i.tail) {
			i.value.flags = entryIsLong
		}
		return nil
	}
	if i.value, err = parseEntryValue(i.it.Value()); err != nil {
		return err
	}
	if i.value.flags&entryHasID != 0 {
		return nil
	}
	rest := i.tail
	for _, f := range i.idx.Fields {
		if rest, err = keyenc.Skip(rest, f.Desc); err != nil {
			return err
		}
	}
	i.fields = len(i.tail) - len(rest)
	return nil
}

// Key is the entry's encoded fields, without the _id. Of a long entry it is what is
// left of both.
func (i *IndexIterator) Key() []byte { return i.tail[:i.fields] }

// Position is what Seek takes to come back to this entry, or to the next one if it
// is gone.
func (i *IndexIterator) Position() []byte { return i.tail }

// Long tells whether the end of the entry's values is hashed: the document must
// be fetched to know them.
func (i *IndexIterator) Long() bool { return i.value.flags&entryIsLong != 0 }

// ID is the encoded _id of the entry's document, for Fetch.
func (i *IndexIterator) ID() []byte {
	switch {
	case i.idx.ID == catalog.IDIndex:
		return i.tail
	case i.value.flags&entryHasID != 0:
		return i.value.id
	}
	return i.tail[i.fields:]
}

// Values appends the entry's values as they stand in the document, types and all,
// but for missing fields, which are null, and empty arrays, which are undefined.
// They may be borrowed. It must not be asked of a long entry.
func (i *IndexIterator) Values(dst []bsonx.Value) ([]bsonx.Value, error) {
	if i.idx.ID == catalog.IDIndex {
		return append(dst, idOf(i.it.Value())), nil
	}
	i.reader = keyenc.NewTypeBitsReader(i.value.bits)
	rest := i.tail
	for _, f := range i.idx.Fields {
		var v bsonx.Value
		var err error
		if v, rest, err = keyenc.Decode(rest, &i.reader, f.Desc); err != nil {
			return dst, err
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// IDValue is the _id of the entry's document; ok is false if it is too long to be
// read from an entry.
func (i *IndexIterator) IDValue() (id bsonx.Value, ok bool, err error) {
	if i.idx.ID == catalog.IDIndex {
		return idOf(i.it.Value()), true, nil
	}
	enc := i.ID()
	if HashedID(enc) {
		return bsonx.Missing, false, nil
	}
	i.reader = keyenc.NewTypeBitsReader(i.value.idBits)
	id, _, err = keyenc.Decode(enc, &i.reader, false)
	return id, err == nil, err
}

// Err is why Next or Seek was false, if not for the end.
func (i *IndexIterator) Err() error {
	if i.err != nil {
		return i.err
	}
	return i.it.Err()
}

// Close ends the scan.
func (i *IndexIterator) Close() error { return i.it.Close() }
