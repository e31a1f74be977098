package docstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/invariant"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// docBytesMax is the largest document that is stored: a user's largest and some
// room, as in the reference server. The user's own limit is minded above.
const docBytesMax = bsonx.DocBytesMax + 16<<10

// Insert stores a document, whose first field is its _id. DuplicateKey if the _id
// or a unique key is taken. After any error the caller rolls back, to a savepoint
// made before at the least: some entries may have been written.
func (tx *Tx) Insert(ctx context.Context, coll *catalog.Collection, doc bsonx.Doc) error {
	if err := checkSize(doc); err != nil {
		return err
	}
	d, err := tx.identify(doc)
	if err != nil {
		return err
	}
	if coll.Cap != nil {
		if err := tx.claimEnd(ctx, coll); err != nil {
			return err
		}
	}
	key := tx.docKey(coll, d.key)
	err = tx.lock(ctx, kv.How{Absent: true, Wait: tx.Wait}, key)
	if errors.Is(err, kv.ErrExists) {
		return duplicateKey(coll, coll.Indexes[0], []bsonx.Value{idOf(doc)})
	}
	if err != nil {
		return err
	}
	if err := tx.Cat.Rely(coll); err != nil {
		return err
	}
	if err := tx.noteLongID(ctx, coll, d.key); err != nil {
		return err
	}
	for _, idx := range coll.Indexes[1:] {
		set, err := tx.extract(ctx, &tx.scratch().entries[0], coll, idx, d)
		if err != nil {
			return err
		}
		for i := range set.list {
			if err := tx.putEntry(ctx, set, i); err != nil {
				return err
			}
		}
	}
	if err := tx.KV.Set(key, doc); err != nil {
		return err
	}
	if err := tx.count(coll, 1, len(doc)); err != nil || coll.Cap == nil {
		return err
	}
	return tx.appendDoc(ctx, coll, d.key, len(doc))
}

// Update replaces old, which the caller has claimed and then read in this
// transaction, by a document with the same _id. For errors see Insert.
func (tx *Tx) Update(ctx context.Context, coll *catalog.Collection, old, doc bsonx.Doc) error {
	if err := checkSize(doc); err != nil {
		return err
	}
	before, err := tx.identify(old)
	if err != nil {
		return err
	}
	after, err := tx.identify(doc)
	if err != nil {
		return err
	}
	invariant.Check(bytes.Equal(before.key, after.key), "update changes the _id")
	if err := tx.Cat.Rely(coll); err != nil {
		return err
	}
	for _, idx := range coll.Indexes[1:] {
		was, err := tx.extract(ctx, &tx.scratch().entries[0], coll, idx, before)
		if err != nil {
			return err
		}
		is, err := tx.extract(ctx, &tx.scratch().entries[1], coll, idx, after)
		if err != nil {
			return err
		}
		if err := tx.changeEntries(ctx, was, is); err != nil {
			return err
		}
	}
	if err := tx.KV.Set(tx.docKey(coll, after.key), doc); err != nil {
		return err
	}
	return tx.count(coll, 0, len(doc)-len(old))
}

// Delete removes old, which the caller has claimed and then read in this transaction.
func (tx *Tx) Delete(ctx context.Context, coll *catalog.Collection, old bsonx.Doc) error {
	d, err := tx.identify(old)
	if err != nil {
		return err
	}
	if err := tx.Cat.Rely(coll); err != nil {
		return err
	}
	for _, idx := range coll.Indexes[1:] {
		set, err := tx.extract(ctx, &tx.scratch().entries[0], coll, idx, d)
		if err != nil {
			return err
		}
		for i := range set.list {
			if err := tx.removeEntry(ctx, set, i); err != nil {
				return err
			}
		}
	}
	if err := tx.KV.Delete(tx.docKey(coll, d.key)); err != nil {
		return err
	}
	if coll.Cap != nil {
		if err := tx.forgetNumber(ctx, coll, d.key); err != nil {
			return err
		}
	}
	return tx.count(coll, -1, -len(old))
}

// changeEntries writes the difference of two entry sets. Removals come first: a
// value that moves from one field of an array to another is no duplicate.
func (tx *Tx) changeEntries(ctx context.Context, was, is *entrySet) error {
	for i, j := 0, 0; i < len(was.list); i++ {
		for j < len(is.list) && bytes.Compare(is.key(j), was.key(i)) < 0 {
			j++
		}
		if j < len(is.list) && bytes.Equal(is.key(j), was.key(i)) {
			continue
		}
		if err := tx.removeEntry(ctx, was, i); err != nil {
			return err
		}
	}
	for i, j := 0, 0; j < len(is.list); j++ {
		for i < len(was.list) && bytes.Compare(was.key(i), is.key(j)) < 0 {
			i++
		}
		var err error
		switch kept := i < len(was.list) && bytes.Equal(was.key(i), is.key(j)); {
		case !kept:
			err = tx.putEntry(ctx, is, j)
		case !bytes.Equal(was.value(i), is.value(j)):
			err = tx.retypeEntry(ctx, is, j)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putEntry adds an entry.
func (tx *Tx) putEntry(ctx context.Context, s *entrySet, i int) error {
	if s.idx.Unique {
		err := tx.lock(ctx, kv.How{Absent: true, Wait: tx.Wait}, s.key(i))
		if errors.Is(err, kv.ErrExists) {
			return duplicateKey(s.coll, s.idx, s.tuple(i))
		}
		if err != nil {
			return err
		}
	}
	return tx.KV.Set(s.key(i), s.value(i))
}

// removeEntry removes an entry.
func (tx *Tx) removeEntry(ctx context.Context, s *entrySet, i int) error {
	own, err := tx.claimEntry(ctx, s, i)
	if err != nil || !own {
		return err
	}
	return tx.KV.Delete(s.key(i))
}

// retypeEntry writes an entry whose key stays and whose values have other types.
func (tx *Tx) retypeEntry(ctx context.Context, s *entrySet, i int) error {
	own, err := tx.claimEntry(ctx, s, i)
	if err != nil || !own {
		return err
	}
	return tx.KV.Set(s.key(i), s.value(i))
}

// claimEntry locks the entry's key, if the index is unique, and tells whether it
// holds this document's entry. In a ready index it must; while a unique one is being
// built the key may hold another document's, and this one's is still to come.
func (tx *Tx) claimEntry(ctx context.Context, s *entrySet, i int) (own bool, err error) {
	if !s.idx.Unique {
		return true, nil
	}
	if err := tx.lock(ctx, kv.How{Wait: tx.Wait}, s.key(i)); err != nil {
		return false, err
	}
	if s.idx.State == catalog.StateReady {
		return true, nil
	}
	_, own, err = tx.entryThere(ctx, s, i)
	return own, err
}

// entryThere tells whether a unique key is taken, and whether by this document.
func (tx *Tx) entryThere(ctx context.Context, s *entrySet, i int) (there, own bool, err error) {
	mine, err := parseEntryValue(s.value(i))
	if err != nil {
		return false, false, err
	}
	value, err := tx.KV.Get(ctx, s.key(i), nil)
	if errors.Is(err, kv.ErrNotFound) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	other, err := parseEntryValue(value)
	return true, err == nil && bytes.Equal(mine.id, other.id), err
}

// extract makes set the entries of a document in an index; none if the index is partial
// and leaves it out. What the document makes of the index is noted in its flags.
func (tx *Tx) extract(ctx context.Context, set *entrySet, coll *catalog.Collection, idx *catalog.Index, d identified) (*entrySet, error) {
	in, err := tx.db.includes(coll, idx, d.doc)
	if err != nil || !in {
		set.reset(coll, idx)
		return set, err
	}
	if err := set.extract(coll, idx, d); err != nil {
		return set, err
	}
	if set.flags == 0 {
		return set, nil
	}
	return set, tx.Cat.SetFlags(ctx, coll, idx, set.flags)
}

// noteLongID sets the flag of the index on _id if this one is hashed.
func (tx *Tx) noteLongID(ctx context.Context, coll *catalog.Collection, encID []byte) error {
	if !HashedID(encID) {
		return nil
	}
	return tx.Cat.SetFlags(ctx, coll, coll.Indexes[0], catalog.FlagLong)
}

// identify encodes a document's _id. The bytes are tx's until the next call but one.
func (tx *Tx) identify(doc bsonx.Doc) (identified, error) {
	id := idOf(doc)
	if bsonx.IsMissing(id) {
		return identified{}, errors.New("docstore: document without _id")
	}
	mem := tx.scratch()
	mem.ids[0], mem.ids[1] = mem.ids[1], mem.ids[0]
	s := &mem.ids[0]
	s.bits.Reset()
	s.buf = keyenc.AppendTyped(s.buf[:0], &s.bits, id, false)
	if short, hashed := keyenc.Bound(s.buf); hashed {
		s.buf = short
	}
	return identified{doc, encodedID{key: s.buf, bits: s.bits.Bytes()}}, nil
}

// idScratch holds an encoded _id.
type idScratch struct {
	buf  []byte
	bits keyenc.TypeBits
}

func idOf(doc bsonx.Doc) bsonx.Value {
	if name, v := bsonx.First(doc); name == "_id" {
		return v
	}
	return bsonx.Get(doc, "_id")
}

func checkSize(doc bsonx.Doc) error {
	if len(doc) <= docBytesMax {
		return nil
	}
	return mongoerr.Newf(mongoerr.BSONObjectTooLarge,
		"BSONObj size: %d (0x%X) is invalid. Size must be between 0 and %d(16MB)", len(doc), len(doc), docBytesMax)
}

// duplicateKey is the error for a unique key that is taken. A string that is no UTF-8
// is told in hexadecimal: drivers refuse a reply that holds it.
func duplicateKey(coll *catalog.Collection, idx *catalog.Index, values []bsonx.Value) error {
	key, shown, inHex := bsonx.NewBuilder(nil), bsonx.NewBuilder(nil), bsonx.NewBuilder(nil)
	anyHex := false
	for i, f := range idx.Fields {
		v := values[i]
		key.Value(f.Path, v)
		isHex := v.Type == bsonx.TypeString && !utf8.ValidString(bsonx.Str(v))
		if isHex {
			v = bsonx.String(hex.EncodeToString([]byte(bsonx.Str(v))))
		}
		shown.Value(f.Path, v)
		inHex.Bool(bsonx.Index(i), isHex)
		anyHex = anyHex || isHex
	}
	info := bsonx.NewBuilder(nil)
	info.EmbedDoc("keyPattern", idx.Key)
	info.EmbedDoc("keyValue", shown.Doc())
	if anyHex {
		info.Value("hexEncoded", bsonx.ArrayValue(inHex.Doc()))
	}
	return mongoerr.Newf(mongoerr.DuplicateKey, "E11000 duplicate key error collection: %s index: %s dup key: %s",
		coll.NS, idx.Name, bsonx.ShellKey(key.Doc())).WithInfo(info.Doc())
}
