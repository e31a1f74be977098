package docstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// A capped collection keeps the order of insertion beside its documents: each has
// a number, which is never used again (catalog.OrderKeys, catalog.NumberKeys).
// Whoever inserts claims the end of the order until its commit is visible, so that
// numbers become visible in their order and a reader behind the last one never
// misses any. The keys of a number follow from that claim and from the document's.
//
// A transaction that inserts into a capped collection does nothing else to it: that
// is what statements outside of clients' transactions are, and inside they are
// refused. So what it has inserted and evicted is all that the counters lack.

// end is where the order of a capped collection ends, as its key holds it.
type end struct {
	last  uint64 // the newest number, 0 before the first.
	first uint64 // no number below it is left.

	// What the transaction that reads at 'at' has inserted and evicted so far: it
	// does not see that in the counters. The next transaction reads later.
	at          kv.Time
	docs, bytes int64
}

const endBytes = 5 * 8

func (e *end) encode() []byte {
	b := make([]byte, 0, endBytes)
	for _, n := range []uint64{e.last, e.first, uint64(e.at), uint64(e.docs), uint64(e.bytes)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

var errBadEnd = errors.New("docstore: malformed end of a capped collection")

// readEnd reads the end of the order, as tx left it if it has written it.
func (tx *Tx) readEnd(ctx context.Context, coll *catalog.Collection) (end, error) {
	b, err := tx.KV.Get(ctx, endKey(coll), nil)
	if errors.Is(err, kv.ErrNotFound) {
		return end{first: 1, at: tx.KV.ReadTime()}, nil
	}
	if err != nil {
		return end{}, err
	}
	if len(b) != endBytes {
		return end{}, errBadEnd
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	e := end{last: n(0), first: n(1), at: kv.Time(n(2)), docs: int64(n(3)), bytes: int64(n(4))}
	if e.at != tx.KV.ReadTime() {
		e.at, e.docs, e.bytes = tx.KV.ReadTime(), 0, 0
	}
	return e, nil
}

func endKey(coll *catalog.Collection) []byte {
	return catalog.AppendPrefix(nil, coll.ID, catalog.OrderKeys)
}

func orderKey(coll *catalog.Collection, number uint64) []byte {
	return binary.BigEndian.AppendUint64(endKey(coll), number)
}

func numberKey(coll *catalog.Collection, encID []byte) []byte {
	return append(catalog.AppendPrefix(nil, coll.ID, catalog.NumberKeys), encID...)
}

// claimEnd claims the end of the order, before anything else is claimed.
func (tx *Tx) claimEnd(ctx context.Context, coll *catalog.Collection) error {
	return tx.lock(ctx, kv.How{Wait: tx.Wait}, endKey(coll))
}

// appendDoc gives a document that was just inserted the next number, and evicts
// the oldest ones that there is no room for any more. The end is claimed.
func (tx *Tx) appendDoc(ctx context.Context, coll *catalog.Collection, encID []byte, docBytes int) error {
	e, err := tx.readEnd(ctx, coll)
	if err != nil {
		return err
	}
	e.last++
	e.docs, e.bytes = e.docs+1, e.bytes+int64(docBytes)
	if err := tx.KV.Set(orderKey(coll, e.last), encID); err != nil {
		return err
	}
	if err := tx.KV.Set(numberKey(coll, encID), binary.BigEndian.AppendUint64(nil, e.last)); err != nil {
		return err
	}
	if err := tx.evict(ctx, coll, &e); err != nil {
		return err
	}
	return tx.KV.Set(endKey(coll), e.encode())
}

// evict deletes the oldest documents until the collection fits. The newest stays,
// however large it is.
func (tx *Tx) evict(ctx context.Context, coll *catalog.Collection, e *end) error {
	docs, size, err := tx.Stats(ctx, coll)
	if err != nil {
		return err
	}
	full := func() bool { return docs+e.docs > coll.Cap.Docs || size+e.bytes > coll.Cap.Bytes }
	if !full() {
		return nil
	}
	it, err := tx.KV.Scan(ctx, kv.Range{Lower: orderKey(coll, e.first), Upper: orderKey(coll, e.last)})
	if err != nil {
		return err
	}
	defer it.Close()
	for full() && it.Next() {
		number, encID := binary.BigEndian.Uint64(it.Key()[catalog.PrefixBytes:]), bytes.Clone(it.Value())
		if err := tx.ClaimEncoded(ctx, coll, encID); err != nil {
			return err
		}
		doc, err := tx.Fetch(ctx, coll, encID, nil)
		if err != nil {
			return err
		}
		if err := tx.Delete(ctx, coll, doc); err != nil {
			return err
		}
		e.first = number + 1
		e.docs, e.bytes = e.docs-1, e.bytes-int64(len(doc))
	}
	return it.Err()
}

// forgetNumber takes a document that is deleted out of the order.
func (tx *Tx) forgetNumber(ctx context.Context, coll *catalog.Collection, encID []byte) error {
	key := numberKey(coll, encID)
	number, err := tx.KV.Get(ctx, key, nil)
	if err != nil {
		return err
	}
	if len(number) != 8 {
		return errBadEnd
	}
	if err := tx.KV.Delete(orderKey(coll, binary.BigEndian.Uint64(number))); err != nil {
		return err
	}
	return tx.KV.Delete(key)
}

// ScanNatural walks all documents in natural order: of a capped collection that of
// their insertion, else that of their _ids.
func (tx *Tx) ScanNatural(ctx context.Context, coll *catalog.Collection, reverse, keysOnly bool) (*DocIterator, error) {
	if coll.Cap == nil {
		return tx.Scan(ctx, coll, Bounds{Reverse: reverse, KeysOnly: keysOnly})
	}
	e, err := tx.readEnd(ctx, coll)
	if err != nil {
		return nil, err
	}
	it, err := tx.KV.Scan(ctx, kv.Range{
		Lower: orderKey(coll, e.first), Upper: catalog.AppendPrefix(nil, coll.ID, catalog.OrderKeys+1), Reverse: reverse,
	})
	if err != nil {
		return nil, err
	}
	d := &DocIterator{it: it, key: endKey(coll)}
	d.fetch = func(encID, dst []byte) (bsonx.Doc, error) { return tx.Fetch(ctx, coll, encID, dst) }
	if keysOnly {
		d.fetch = func(_, dst []byte) (bsonx.Doc, error) { return dst, nil }
	}
	return d, nil
}
