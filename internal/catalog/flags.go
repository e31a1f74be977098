package catalog

import (
	"context"

	"github.com/pandodb/pando/internal/kv"
)

// IndexFlags is what an index has ever met that limits how it may be used. A
// flag that no entry needs any more may still be set; one that is needed is never
// missing.
type IndexFlags uint64

// flagLong stands above the bits of the fields.
const flagLong = FieldsMax

// FlagMultikey is the flag of one field of the index.
func FlagMultikey(field int) IndexFlags { return 1 << field }

// FlagLong is the flag of an index with an entry whose tail is hashed.
const FlagLong IndexFlags = 1 << flagLong

// Any tells whether a document may have several entries.
func (f IndexFlags) Any() bool { return f&^FlagLong != 0 }

// Multikey tells whether the path of that field ever led through or to an array.
func (f IndexFlags) Multikey(field int) bool { return f&FlagMultikey(field) != 0 }

// Long tells whether some entries end in a hash: they are out of order, and their
// values cannot be read from them.
func (f IndexFlags) Long() bool { return f&FlagLong != 0 }

// ownFlags are flags that a transaction has set.
type ownFlags struct {
	key   flagKey
	flags IndexFlags
}

// Flags returns what idx has met, as far as the transaction could see of it.
func (v *View) Flags(ctx context.Context, coll *Collection, idx *Index) (IndexFlags, error) {
	k := flagKey{coll.ID, idx.ID}
	g := v.generation()
	if len(v.flagged) > 0 {
		g = nil
	}
	if g != nil && !v.serializable {
		if flags, ok := g.flagsOf(k); ok {
			return flags, nil
		}
	}
	prefix := flagPrefix(coll.ID, idx.ID)
	upper := append(prefix[:len(prefix):len(prefix)], 0xff)
	it, err := v.txn.Scan(ctx, kv.Range{Lower: prefix, Upper: upper, KeysOnly: true})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	var flags IndexFlags
	for it.Next() {
		flags |= 1 << it.Key()[len(prefix)]
	}
	if err := it.Err(); err != nil {
		return 0, err
	}
	if g != nil {
		g.keepFlags(k, flags)
	}
	return flags, nil
}

// SetFlags sets those of flags that are not set yet. They are written without a
// claim: a flag is only ever set, and two transactions that set one write the same.
func (v *View) SetFlags(ctx context.Context, coll *Collection, idx *Index, flags IndexFlags) error {
	k := flagKey{coll.ID, idx.ID}
	for _, own := range v.flagged {
		if own.key == k {
			flags &^= own.flags
		}
	}
	if flags == 0 {
		return nil
	}
	have, err := v.Flags(ctx, coll, idx)
	if err != nil {
		return err
	}
	if flags &^= have; flags == 0 {
		return nil
	}
	for bit := range flagLong + 1 {
		if flags&(1<<bit) != 0 {
			if err := v.txn.Set(flagsKey(coll.ID, idx.ID, bit), []byte{1}); err != nil {
				return err
			}
		}
	}
	v.flagged = append(v.flagged, ownFlags{k, flags})
	return nil
}
