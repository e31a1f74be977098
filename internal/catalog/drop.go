package catalog

import (
	"context"
	"errors"

	"github.com/pandodb/pando/internal/kv"
)

// dropped is a collection (index 0), or one index of it, whose keys nobody reads
// any more.
type dropped struct {
	coll  uint64
	index uint32
}

// leave records a drop in the transaction, so that it is not forgotten that
// there is something to forget.
func (v *View) leave(d dropped) error {
	v.drops = append(v.drops, d)
	// Nobody else writes this key: ids are unique, and the entry's key decides
	// which of two drops commits.
	return v.txn.Set(dropKey(d.coll, d.index), []byte{1})
}

// sweep forgets the ranges and then their records. What fails here is done when
// the store is opened the next time, since the records stay.
func (c *Catalog) sweep(ctx context.Context, after kv.Time, drops []dropped) error {
	for _, d := range drops {
		for _, r := range d.ranges() {
			if err := c.store.DropRange(ctx, r[0], r[1], after); err != nil {
				return err
			}
		}
	}
	return c.inTxn(ctx, func(txn kv.Txn) error {
		for _, d := range drops {
			key := dropKey(d.coll, d.index)
			if err := txn.Lock(ctx, kv.How{Wait: true}, key); err != nil {
				return err
			}
			if err := txn.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d dropped) ranges() [][2][]byte {
	if d.index == 0 {
		var all [][2][]byte
		for _, space := range []byte{SpaceData, SpaceCounters, SpaceFlags} {
			all = append(all, [2][]byte{collectionKey(space, d.coll), collectionKey(space, d.coll+1)})
		}
		return all
	}
	return [][2][]byte{
		{AppendPrefix(nil, d.coll, d.index), AppendPrefix(nil, d.coll, d.index+1)},
		{flagPrefix(d.coll, d.index), flagPrefix(d.coll, d.index+1)},
	}
}

// sweepAll does what is left from before.
func (c *Catalog) sweepAll(ctx context.Context) error {
	txn, err := c.store.Begin(ctx, kv.Options{Note: "catalog sweep"})
	if err != nil {
		return err
	}
	drops, err := recordedDrops(ctx, txn)
	txn.Rollback()
	if err != nil || len(drops) == 0 {
		return err
	}
	return c.sweep(ctx, c.store.Visible(), drops)
}

func recordedDrops(ctx context.Context, txn kv.Txn) ([]dropped, error) {
	lo, hi := partBounds(partDrop)
	it, err := txn.Scan(ctx, kv.Range{Lower: lo, Upper: hi, KeysOnly: true})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var drops []dropped
	for it.Next() {
		coll, index, ok := parseDropKey(it.Key())
		if !ok {
			return nil, errors.New("catalog: malformed drop record")
		}
		drops = append(drops, dropped{coll, index})
	}
	return drops, it.Err()
}

// Dropping lists the collections (index 0) and indexes that were dropped and
// whose ranges may not be gone yet, as the transaction sees it. Whoever walks the
// store must pass over them.
func (v *View) Dropping(ctx context.Context) (map[[2]uint64]bool, error) {
	drops, err := recordedDrops(ctx, v.txn)
	if err != nil {
		return nil, err
	}
	m := make(map[[2]uint64]bool, len(drops))
	for _, d := range drops {
		m[[2]uint64{d.coll, uint64(d.index)}] = true
	}
	return m, nil
}
