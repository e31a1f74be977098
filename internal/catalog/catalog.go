package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

// Catalog is the catalog of one store. It is safe for concurrent use.
type Catalog struct {
	store kv.Store
	env   *env.Env
	cache cache

	served []*Collection // by name; not changed after the beginning.

	ids struct {
		mu        sync.Mutex // guards the block; held over the small commit that takes a new one.
		next, end uint64
	}
}

// Open readies the catalog of a store, and goes on with forgetting what was
// dropped when the store last ended in the middle of it.
func Open(ctx context.Context, store kv.Store, e *env.Env) (*Catalog, error) {
	c := &Catalog{store: store, env: e}
	c.cache.current.Store(newGeneration(store.Visible()))
	if err := c.sweepAll(ctx); err != nil {
		return nil, fmt.Errorf("catalog: resume drops: %w", err)
	}
	return c, nil
}

// View returns the catalog as txn sees it. The view is used by the transaction's
// goroutine, and ends with it.
func (c *Catalog) View(txn kv.Txn) *View {
	v := &View{}
	c.ViewIn(v, txn, false)
	return v
}

// ViewIn is View in memory of the caller's. The view of a serializable transaction
// reads all that it tells through txn, so that it counts as read.
func (c *Catalog) ViewIn(v *View, txn kv.Txn, serializable bool) {
	*v = View{catalog: c, txn: txn, serializable: serializable}
}

// NameOf returns the name that the collection with that id was last seen under,
// for whoever tells people about a key: it may be out of date, and need not be known.
func (c *Catalog) NameOf(id uint64) (Namespace, bool) { return c.cache.current.Load().name(id) }

// idBlock is how many ids are taken at a time. Those left when the process ends are lost.
const idBlock = 1000

// newID returns an id that no collection ever had. It does not depend on the
// caller's transaction: two that create collections do not meet at a counter, and
// the id of one that fails is never seen.
func (c *Catalog) newID(ctx context.Context) (uint64, error) {
	c.ids.mu.Lock()
	defer c.ids.mu.Unlock()
	if c.ids.next == c.ids.end {
		first, err := c.reserve(ctx)
		if err != nil {
			return 0, fmt.Errorf("catalog: reserve ids: %w", err)
		}
		c.ids.next, c.ids.end = first, first+idBlock
	}
	c.ids.next++
	return c.ids.next - 1, nil
}

// reserve takes a block. A commit of unknown outcome is like a failed one: at
// worst a block is lost.
func (c *Catalog) reserve(ctx context.Context) (first uint64, err error) {
	err = c.inTxn(ctx, func(txn kv.Txn) error {
		key := nextIDKey()
		if err := txn.Lock(ctx, kv.How{Wait: true}, key); err != nil {
			return err
		}
		value, err := txn.Get(ctx, key, nil)
		switch {
		case errors.Is(err, kv.ErrNotFound):
			first = 1
		case err != nil:
			return err
		case len(value) != 8:
			return errors.New("malformed counter")
		default:
			first = binary.BigEndian.Uint64(value)
		}
		return txn.Set(key, binary.BigEndian.AppendUint64(nil, first+idBlock))
	})
	return first, err
}

// inTxn runs fn in a transaction of its own and commits it, again while others are first.
func (c *Catalog) inTxn(ctx context.Context, fn func(kv.Txn) error) error {
	for {
		txn, err := c.store.Begin(ctx, kv.Options{Note: "catalog"})
		if err != nil {
			return err
		}
		if err = fn(txn); err == nil {
			_, err = txn.Commit(ctx)
		}
		txn.Rollback()
		if _, lost := errors.AsType[*kv.Conflict](err); !lost {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
