package docstore

import (
	"bytes"
	"context"
	"slices"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// scan opens an iterator over the keys of an index, be the documents stored as
// documents or served from something else.
func (tx *Tx) scan(ctx context.Context, coll *catalog.Collection, r kv.Range) (kv.Iterator, error) {
	if coll.Kind != catalog.KindServed {
		return tx.KV.Scan(ctx, r)
	}
	rows, err := coll.Rows(ctx, tx.KV)
	if err != nil {
		return nil, err
	}
	s := &servedScan{coll: coll, rows: rows, bounds: r}
	if r.Reverse {
		return s.reversed()
	}
	return s, nil
}

// servedScan gives rows the keys that documents would have.
type servedScan struct {
	coll   *catalog.Collection
	rows   catalog.Rows
	bounds kv.Range
	key    []byte
	at     bool // a row is current.
}

// Next moves to the next row within the bounds.
func (s *servedScan) Next() bool {
	for s.at = s.rows.Next(); s.at; s.at = s.rows.Next() {
		s.key = EncodeID(catalog.AppendPrefix(s.key[:0], s.coll.ID, catalog.IDIndex), s.rows.ID())
		if bytes.Compare(s.key, s.bounds.Lower) >= 0 {
			s.at = bytes.Compare(s.key, s.bounds.Upper) < 0
			return s.at
		}
	}
	return false
}

// Seek goes through the rows up to key.
func (s *servedScan) Seek(key []byte) bool {
	if s.at && bytes.Compare(s.key, key) >= 0 {
		return true
	}
	for s.Next() {
		if bytes.Compare(s.key, key) >= 0 {
			return true
		}
	}
	return false
}

// Key is the current row's key.
func (s *servedScan) Key() []byte { return s.key }

// Value is the current row's document.
func (s *servedScan) Value() []byte { return s.rows.Doc() }

// Err is why Next was false.
func (s *servedScan) Err() error { return s.rows.Err() }

// Close ends the scan.
func (s *servedScan) Close() error { return s.rows.Close() }

// reversed reads all rows and gives them backwards.
func (s *servedScan) reversed() (kv.Iterator, error) {
	defer s.Close()
	r := &reversedScan{}
	for s.Next() {
		r.pairs = append(r.pairs, [2][]byte{bytes.Clone(s.key), bytes.Clone(s.Value())})
	}
	slices.Reverse(r.pairs)
	r.pairs = slices.Insert(r.pairs, 0, [2][]byte{}) // where it stands at first.
	return r, s.Err()
}

// reversedScan is a list of keys and values.
type reversedScan struct{ pairs [][2][]byte }

// Next moves on.
func (r *reversedScan) Next() bool {
	if len(r.pairs) > 0 {
		r.pairs = r.pairs[1:]
	}
	return len(r.pairs) > 0
}

// Seek moves to the first key at or before key.
func (r *reversedScan) Seek(key []byte) bool {
	for len(r.pairs) > 0 && (r.pairs[0][0] == nil || bytes.Compare(r.pairs[0][0], key) > 0) {
		r.pairs = r.pairs[1:]
	}
	return len(r.pairs) > 0
}

// Key is the current key.
func (r *reversedScan) Key() []byte { return r.pairs[0][0] }

// Value is the current value.
func (r *reversedScan) Value() []byte { return r.pairs[0][1] }

// Err is nil: all was read before.
func (r *reversedScan) Err() error { return nil }

// Close forgets the list.
func (r *reversedScan) Close() error {
	r.pairs = nil
	return nil
}

// getServed finds one document of a served collection by its key.
func (tx *Tx) getServed(ctx context.Context, coll *catalog.Collection, key, dst []byte) ([]byte, error) {
	it, err := tx.scan(ctx, coll, kv.Range{Lower: key, Upper: append(bytes.Clone(key), 0)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if it.Next() {
		return append(dst, it.Value()...), nil
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	return nil, kv.ErrNotFound
}

// countServed counts by reading.
func (tx *Tx) countServed(ctx context.Context, coll *catalog.Collection) (docs, size int64, err error) {
	it, err := tx.Scan(ctx, coll, Bounds{})
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	for it.Next() {
		docs++
		size += int64(len(it.Doc()))
	}
	return docs, size, it.Err()
}
