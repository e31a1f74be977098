package docstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// Check walks the whole store at one snapshot and reports what is not as the
// package comment says. Errors of reading are returned.
func (db *DB) Check(ctx context.Context, report func(problem string)) error {
	tx, err := db.Begin(ctx, kv.Options{Note: "check"})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	all, err := tx.Cat.All(ctx)
	if err != nil {
		report(err.Error()) // an entry that cannot be read.
		return nil
	}
	ids := map[uint64]*catalog.Collection{}
	for _, coll := range all {
		if other := ids[coll.ID]; other != nil {
			report(fmt.Sprintf("%s and %s have the same id", coll.NS, other.NS))
		}
		ids[coll.ID] = coll
	}
	for _, coll := range all {
		if coll.Kind == catalog.KindView {
			continue
		}
		c := checker{tx: tx, coll: coll, report: report}
		if err := c.run(ctx); err != nil {
			return fmt.Errorf("check %s: %w", coll.NS, err)
		}
	}
	return tx.checkOrphans(ctx, ids, report)
}

// Validation is what the validate command tells of one collection.
type Validation struct {
	Records  int64
	Keys     map[string]int64 // by index name.
	Problems []string

	// Nonconforming are the documents that the collection's validator would refuse.
	Nonconforming int64
}

// Validate walks one collection, as Check does.
func (tx *Tx) Validate(ctx context.Context, coll *catalog.Collection) (Validation, error) {
	var v Validation
	c := checker{tx: tx, coll: coll, report: func(p string) { v.Problems = append(v.Problems, p) }}
	rule, err := ValidationRuleOf(coll)
	if err != nil {
		return v, err
	}
	if rule != nil {
		vars := rule.Validator.NewContext()
		if vars != nil {
			vars.Now = tx.db.env.Now().UnixMilli()
		}
		c.seen = func(doc bsonx.Doc) {
			if !rule.Validator.Conforms(doc, vars) {
				v.Nonconforming++
			}
		}
	}
	err = c.run(ctx)
	v.Records, v.Keys = c.docs, map[string]int64{}
	for i, idx := range coll.Indexes {
		v.Keys[idx.Name] = c.entries[i]
	}
	return v, err
}

// checker walks one collection. tx must not have changed it: counters tell what
// is committed.
type checker struct {
	tx     *Tx
	coll   *catalog.Collection
	report func(string)
	seen   func(bsonx.Doc) // if it is set, it is shown each document.

	docs, bytes int64
	expected    []int64 // entries that the documents call for, by position of the index,
	entries     []int64 // and those that there are.
	flags       []catalog.IndexFlags
	set         entrySet
	buf         []byte // scratch for values.
}

func (c *checker) run(ctx context.Context) error {
	c.expected = make([]int64, len(c.coll.Indexes))
	c.entries = make([]int64, len(c.coll.Indexes))
	for _, idx := range c.coll.Indexes {
		flags, err := c.tx.Multikey(ctx, c.coll, idx)
		if err != nil {
			return err
		}
		c.flags = append(c.flags, flags)
	}
	if err := c.walkDocs(ctx); err != nil {
		return err
	}
	c.expected[0], c.entries[0] = c.docs, c.docs
	for i, idx := range c.coll.Indexes[1:] {
		if err := c.walkIndex(ctx, i+1, idx); err != nil {
			return err
		}
	}
	if err := c.walkOrder(ctx); err != nil {
		return err
	}
	docs, size, err := c.tx.Stats(ctx, c.coll)
	if err != nil {
		return err
	}
	if docs != c.docs || size != c.bytes {
		c.problem("counters say %d documents of %d bytes, and there are %d of %d", docs, size, c.docs, c.bytes)
	}
	return nil
}

func (c *checker) problem(format string, args ...any) {
	c.report(c.coll.NS.String() + ": " + fmt.Sprintf(format, args...))
}

// walkDocs verifies each document and that its entries are there.
func (c *checker) walkDocs(ctx context.Context) error {
	it, err := c.tx.Scan(ctx, c.coll, Bounds{})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.Next() {
		c.docs++
		c.bytes += int64(len(it.Doc()))
		if err := bsonx.Validate(it.Doc(), bsonx.DepthMax*2); err != nil {
			c.problem("document at %x: %v", it.ID(), err)
			continue
		}
		doc := bytes.Clone(it.Doc())
		if c.seen != nil {
			c.seen(doc)
		}
		d, err := c.tx.identify(doc)
		if err != nil || !bytes.Equal(d.key, it.ID()) {
			c.problem("document at %x has another _id: %s", it.ID(), bsonx.ShellString(idOf(doc)))
			continue
		}
		if HashedID(d.key) && !c.flags[0].Long() {
			c.problem("document at %x has a long _id, and there is no flag for it", it.ID())
		}
		for i, idx := range c.coll.Indexes[1:] {
			if err := c.docInIndex(ctx, i+1, idx, d); err != nil {
				return err
			}
		}
	}
	return it.Err()
}

func (c *checker) docInIndex(ctx context.Context, at int, idx *catalog.Index, d identified) error {
	in, err := c.tx.db.includes(c.coll, idx, d.doc)
	if err != nil || !in {
		return err
	}
	if err := c.set.extract(c.coll, idx, d); err != nil {
		if idx.State == catalog.StateReady {
			c.problem("index %s: document %s cannot be indexed: %v", idx.Name, bsonx.ShellString(idOf(d.doc)), err)
		}
		return nil
	}
	if idx.State != catalog.StateReady {
		return nil // its entries may still be to come.
	}
	if missing := c.set.flags &^ c.flags[at]; missing != 0 {
		c.problem("index %s: document %s needs flags %#x", idx.Name, bsonx.ShellString(idOf(d.doc)), uint64(missing))
	}
	for i := range c.set.list {
		c.expected[at]++
		value, err := c.tx.KV.Get(ctx, c.set.key(i), c.buf[:0])
		switch {
		case errors.Is(err, kv.ErrNotFound):
			c.problem("index %s: document %s has no entry %x", idx.Name, bsonx.ShellString(idOf(d.doc)), c.set.key(i))
		case err != nil:
			return err
		case !bytes.Equal(value, c.set.value(i)):
			c.problem("index %s: entry %x of document %s holds %x, not %x",
				idx.Name, c.set.key(i), bsonx.ShellString(idOf(d.doc)), value, c.set.value(i))
		}
	}
	return nil
}

// walkIndex verifies that each entry has its document. In a ready index, where
// every document has its entries, their number tells.
func (c *checker) walkIndex(ctx context.Context, at int, idx *catalog.Index) error {
	it, err := c.tx.ScanIndex(ctx, c.coll, idx, Bounds{})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.Next() {
		c.entries[at]++
		found, err := c.tx.Fetch(ctx, c.coll, it.ID(), c.buf[:0])
		switch {
		case errors.Is(err, kv.ErrNotFound):
			c.problem("index %s: entry %x has no document", idx.Name, it.Position())
		case err != nil:
			return err
		default:
			c.buf = found
		}
	}
	if err := it.Err(); err != nil {
		return err
	}
	if idx.State == catalog.StateReady && c.entries[at] != c.expected[at] {
		c.problem("index %s has %d entries, the documents call for %d", idx.Name, c.entries[at], c.expected[at])
	}
	return nil
}

// walkOrder verifies that a capped collection's documents and numbers are each
// other's, one for one.
func (c *checker) walkOrder(ctx context.Context) error {
	if c.coll.Cap == nil {
		return nil
	}
	e, err := c.tx.readEnd(ctx, c.coll)
	if err != nil {
		return err
	}
	n := [2]int64{}
	for i, keys := range [...]uint32{catalog.OrderKeys, catalog.NumberKeys} {
		it, err := c.tx.KV.Scan(ctx, Bounds{}.within(c.coll.ID, keys))
		if err != nil {
			return err
		}
		for it.Next() {
			from, to := bytes.Clone(it.Key()[catalog.PrefixBytes:]), bytes.Clone(it.Value())
			back := numberKey(c.coll, to)
			switch {
			case len(from) == 0:
				continue // the end.
			case i == 1 && len(to) == 8:
				back = orderKey(c.coll, binary.BigEndian.Uint64(to))
			case i == 0 && (len(from) != 8 || binary.BigEndian.Uint64(from) > e.last || binary.BigEndian.Uint64(from) < e.first):
				c.problem("number %x lies outside of %d to %d", from, e.first, e.last)
			}
			n[i]++
			if other, err := c.tx.KV.Get(ctx, back, nil); err != nil || !bytes.Equal(other, from) {
				c.problem("%x leads to %x, which leads to %x", from, to, other)
			}
		}
		err = it.Err()
		it.Close()
		if err != nil {
			return err
		}
	}
	if n[0] != c.docs || n[1] != c.docs {
		c.problem("%d documents have %d places in the order, and %d numbers", c.docs, n[0], n[1])
	}
	return nil
}

// checkOrphans looks for ranges that belong to nothing in the catalog, and to
// nothing that was just dropped.
func (tx *Tx) checkOrphans(ctx context.Context, ids map[uint64]*catalog.Collection, report func(string)) error {
	dropping, err := tx.Cat.Dropping(ctx)
	if err != nil {
		return err
	}
	known := func(coll uint64, index uint32) bool {
		if dropping[[2]uint64{coll, 0}] || dropping[[2]uint64{coll, uint64(index)}] {
			return true
		}
		c := ids[coll]
		if c == nil || c.Kind == catalog.KindView {
			return false
		}
		if c.Cap != nil && (index == catalog.OrderKeys || index == catalog.NumberKeys) {
			return true
		}
		for _, idx := range c.Indexes {
			if idx.ID == index {
				return true
			}
		}
		return false
	}
	for _, space := range []byte{catalog.SpaceCounters, catalog.SpaceFlags, catalog.SpaceData} {
		it, err := tx.KV.Scan(ctx, kv.Range{Lower: []byte{space}, Upper: []byte{space + 1}, KeysOnly: true})
		if err != nil {
			return err
		}
		for ok := it.Next(); ok; {
			var next []byte
			if next, ok = passOver(space, it.Key(), known); !ok {
				report(fmt.Sprintf("key %x belongs to nothing in the catalog", it.Key()))
			}
			ok = it.Seek(next)
		}
		err = it.Err()
		it.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// passOver returns where the next range may begin: the next collection's counters,
// or the next index's flags or entries.
func passOver(space byte, key []byte, known func(uint64, uint32) bool) (next []byte, ok bool) {
	if len(key) < 9 {
		return append(bytes.Clone(key), 0), false
	}
	coll := binary.BigEndian.Uint64(key[1:])
	if space == catalog.SpaceCounters {
		return binary.BigEndian.AppendUint64([]byte{space}, coll+1), known(coll, catalog.IDIndex)
	}
	if len(key) < catalog.PrefixBytes {
		return append(bytes.Clone(key), 0), false
	}
	index := binary.BigEndian.Uint32(key[9:])
	next = binary.BigEndian.AppendUint64([]byte{space}, coll)
	return binary.BigEndian.AppendUint32(next, index+1), known(coll, index)
}
