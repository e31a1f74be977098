package docstore

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
)

// Tx is one transaction over documents. It is used by one goroutine at a time,
// and ends with Commit or Rollback.
type Tx struct {
	KV  kv.Txn        // for what else belongs into the same commit; Scope methods go through Tx.
	Cat *catalog.View // the catalog as this transaction sees it.

	// Wait has claims wait their turn, for at most WaitMax if that is not zero.
	// Without it, and after that, a key that another transaction holds is a conflict.
	Wait    bool
	WaitMax time.Duration

	// WaitersMax, if not zero, is how many may wait for a key for this transaction to join them.
	WaitersMax int

	db   *DB
	mem  *scratch // see scratch(); nil after the end.
	view catalog.View
}

// scratch is a transaction's memory for keys and entries, which the next one takes
// over.
type scratch struct {
	key     []byte // one key.
	ids     [2]idScratch
	entries [2]entrySet
}

// scratchBytesMax is how much of it is kept for the next transaction.
const scratchBytesMax = 64 << 10

// scratch returns the transaction's own memory; after its end a new one, so that
// it is the engine that tells whoever comes too late.
func (tx *Tx) scratch() *scratch {
	if tx.mem == nil {
		tx.mem = &scratch{}
	}
	return tx.mem
}

// release hands the scratch memory on, when the transaction has ended.
func (tx *Tx) release() {
	s := tx.mem
	if s == nil {
		return
	}
	tx.mem = nil
	size := cap(s.key) + cap(s.ids[0].buf) + cap(s.ids[1].buf)
	for i := range s.entries {
		s.entries[i].forget()
		size += cap(s.entries[i].buf)
	}
	if size <= scratchBytesMax {
		tx.db.scratch.Put(s)
	}
}

// Savepoint is a place in the order of a transaction's changes.
type Savepoint struct {
	kv  kv.Savepoint
	cat catalog.Mark
}

// Savepoint marks the present.
func (tx *Tx) Savepoint() Savepoint { return Savepoint{tx.KV.Savepoint(), tx.Cat.Mark()} }

// RollbackTo undoes what was changed since; claims stay.
func (tx *Tx) RollbackTo(s Savepoint) {
	tx.KV.RollbackTo(s.kv)
	tx.Cat.RollbackTo(s.cat)
}

// Refresh undoes everything and goes on with the newest snapshot; see kv.Scope.
func (tx *Tx) Refresh(ctx context.Context) error {
	if err := tx.KV.Refresh(ctx); err != nil {
		return err
	}
	tx.Cat.Refresh()
	return nil
}

// Commit makes everything visible at once; see kv.Txn. The transaction has ended
// whatever the result.
func (tx *Tx) Commit(ctx context.Context) (kv.Time, error) {
	tx.release()
	return tx.Cat.Commit(ctx)
}

// Rollback ends the transaction without effect. It is a no-op after the end.
func (tx *Tx) Rollback() {
	tx.release()
	tx.KV.Rollback()
}

// EncodeID appends the encoded form of an _id: what Scan's bounds, Fetch and
// iterators speak of.
func EncodeID(dst []byte, id bsonx.Value) []byte {
	n := len(dst)
	dst = keyenc.Append(dst, id, false)
	if short, hashed := keyenc.Bound(dst[n:]); hashed {
		dst = append(dst[:n], short...)
	}
	return dst
}

// HashedID tells whether an encoded _id ends in a hash: only those are that long.
func HashedID(encID []byte) bool { return len(encID) == keyenc.BoundBytes }

// docKey is the key of the document with that encoded _id, in tx's scratch.
func (tx *Tx) docKey(coll *catalog.Collection, encID []byte) []byte {
	s := tx.scratch()
	s.key = append(catalog.AppendPrefix(s.key[:0], coll.ID, catalog.IDIndex), encID...)
	return s.key
}

func (tx *Tx) docKeyOf(coll *catalog.Collection, id bsonx.Value) []byte {
	s := tx.scratch()
	s.key = EncodeID(catalog.AppendPrefix(s.key[:0], coll.ID, catalog.IDIndex), id)
	return s.key
}

// Claim locks the document with that _id, whether there is one or not. It is
// nobody else's to change then until the transaction ends.
func (tx *Tx) Claim(ctx context.Context, coll *catalog.Collection, id bsonx.Value) error {
	return tx.lock(ctx, kv.How{Wait: tx.Wait}, tx.docKeyOf(coll, id))
}

// ClaimEncoded is Claim by encoded _id.
func (tx *Tx) ClaimEncoded(ctx context.Context, coll *catalog.Collection, encID []byte) error {
	return tx.lock(ctx, kv.How{Wait: tx.Wait}, tx.docKey(coll, encID))
}

// errWaited ends a claim's waiting.
var errWaited = errors.New("docstore: waited long enough")

// lock claims one key. A key that is not waited for any longer is told as what it
// then is.
func (tx *Tx) lock(ctx context.Context, how kv.How, key []byte) error {
	how.WaitersMax = tx.WaitersMax
	if !how.Wait || tx.WaitMax == 0 {
		return tx.KV.Lock(ctx, how, key)
	}
	// Most keys are free, and a timer for each would cost more than the claim.
	held := tx.KV.Lock(ctx, kv.How{Absent: how.Absent}, key)
	if c, ok := errors.AsType[*kv.Conflict](held); !ok || !c.Held {
		return held
	}
	bounded, cancel := context.WithTimeoutCause(ctx, tx.WaitMax, errWaited)
	defer cancel()
	err := tx.KV.Lock(bounded, how, key)
	if _, told := errors.AsType[*kv.Conflict](err); told || err == nil || errors.Is(err, kv.ErrExists) || ctx.Err() != nil {
		return err
	}
	if context.Cause(bounded) == errWaited {
		return tx.KV.Lock(ctx, kv.How{Absent: how.Absent}, key)
	}
	return err
}

// Reserve queues for keys that an earlier attempt at the same work has lost, before
// this one has read anything, and holds what it gets; then it reads the newest
// state. It waits for all of them together no longer than WaitMax, and for none
// behind more than WaitersMax; what it did not get is left to luck.
func (tx *Tx) Reserve(ctx context.Context, keys [][]byte) error {
	bounded, cancel := context.WithTimeoutCause(ctx, tx.WaitMax, errWaited)
	defer cancel()
	behind := false
	for _, key := range keys {
		err := tx.KV.Lock(bounded, kv.How{Wait: true, Reserve: true, WaitersMax: tx.WaitersMax}, key)
		if err == nil {
			continue
		}
		if _, told := errors.AsType[*kv.Conflict](err); !told && context.Cause(bounded) != errWaited {
			return err
		}
		behind = true
	}
	if !behind {
		return nil
	}
	return tx.Refresh(ctx)
}

// Get appends the document with that _id to dst and returns it; kv.ErrNotFound if
// there is none.
func (tx *Tx) Get(ctx context.Context, coll *catalog.Collection, id bsonx.Value, dst []byte) (bsonx.Doc, error) {
	return tx.get(ctx, coll, tx.docKeyOf(coll, id), dst)
}

// Fetch is Get by encoded _id.
func (tx *Tx) Fetch(ctx context.Context, coll *catalog.Collection, encID, dst []byte) (bsonx.Doc, error) {
	return tx.get(ctx, coll, tx.docKey(coll, encID), dst)
}

func (tx *Tx) get(ctx context.Context, coll *catalog.Collection, key, dst []byte) (doc bsonx.Doc, err error) {
	n := len(dst)
	if coll.Kind == catalog.KindServed {
		dst, err = tx.getServed(ctx, coll, key, dst)
	} else {
		dst, err = tx.KV.Get(ctx, key, dst)
	}
	if err != nil {
		return nil, err
	}
	return dst[n:], nil
}

// Multikey returns what an index has met so far: see catalog.IndexFlags.
func (tx *Tx) Multikey(ctx context.Context, coll *catalog.Collection, idx *catalog.Index) (catalog.IndexFlags, error) {
	return tx.Cat.Flags(ctx, coll, idx)
}

// Stats returns how many documents a collection has and their bytes, as of the
// last commits: what this transaction changed is not counted yet.
func (tx *Tx) Stats(ctx context.Context, coll *catalog.Collection) (docs, bytes int64, err error) {
	if coll.Kind == catalog.KindServed {
		return tx.countServed(ctx, coll)
	}
	if docs, err = tx.counter(ctx, coll, catalog.CountDocuments); err == nil {
		bytes, err = tx.counter(ctx, coll, catalog.CountBytes)
	}
	return docs, bytes, err
}

func (tx *Tx) counter(ctx context.Context, coll *catalog.Collection, which byte) (int64, error) {
	value, err := tx.KV.Get(ctx, catalog.AppendCounterKey(nil, coll.ID, which), nil)
	switch {
	case errors.Is(err, kv.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case len(value) != 8:
		return 0, errors.New("docstore: malformed counter")
	}
	return int64(binary.LittleEndian.Uint64(value)), nil
}

func (tx *Tx) count(coll *catalog.Collection, docs, bytes int) error {
	for which, delta := range [...]int{catalog.CountDocuments: docs, catalog.CountBytes: bytes} {
		if delta == 0 {
			continue
		}
		s := tx.scratch()
		s.key = catalog.AppendCounterKey(s.key[:0], coll.ID, byte(which))
		if err := tx.KV.Add(s.key, int64(delta)); err != nil {
			return err
		}
	}
	return nil
}
