package command

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/lock"
	"github.com/pandodb/pando/internal/mongoerr"
)

// run runs a command outside transactions. If it writes it lets changes of its
// collection go first: they have waited for their turn, and it would only meet
// their outcome.
func (c *Call) run(ctx context.Context) error {
	if c.Spec.Writes && c.Arg.Type == bsonx.TypeString {
		if err := c.passChanges(ctx, catalog.Namespace{DB: c.Gen.DB, Coll: bsonx.Str(c.Arg)}); err != nil {
			return err
		}
	}
	return c.Spec.Run(ctx, c)
}

// passChanges waits until nobody changes the collection, or waits to. Inside a
// transaction it does nothing: there collections are used, not passed.
func (c *Call) passChanges(ctx context.Context, ns catalog.Namespace) error {
	if c.InTxn() {
		return nil
	}
	return c.D.db.Locks().Pass(ctx, lock.Name(ns), c.op.note())
}

// useTarget has the transaction use the collection that the command's own field
// names, before it takes its snapshot: what it may have to wait for is then
// visible to it.
func (c *Call) useTarget(ctx context.Context) error {
	if c.Arg.Type != bsonx.TypeString {
		return nil
	}
	return c.use(ctx, catalog.Namespace{DB: c.Gen.DB, Coll: bsonx.Str(c.Arg)})
}

// use has the transaction use a collection to its end: drops and other changes
// wait for it. Behind a change it waits no longer than the parameter allows. Nobody
// has seen anything of a transaction in its first statement, so that may wait as
// long as for a document, but only while it keeps none from others: one of them may
// be what the change waits for.
func (c *Call) use(ctx context.Context, ns catalog.Namespace) error {
	limit, t := c.D.Params.MaxTransactionLockRequestMillis, c.Txn
	wait := limit.Millis()
	switch {
	case limit.Get() < 0:
		wait = lock.Forever
	case !t.Shown && (t.Tx == nil || t.Tx.KV.Size() == 0):
		wait = max(wait, c.D.Params.WriteConflictWaitMillis.Millis())
	}
	t.Locks.Note = c.op.note()
	err := t.Locks.Intent(ctx, lock.Name(ns), wait)
	if late, ok := errors.AsType[*lock.Timeout](err); ok {
		return mongoerr.Newf(mongoerr.LockTimeout, "Unable to acquire IX lock on '%s' within %dms. opId: %d, op: conn%d, connId: %d.",
			lockText(late.Name), max(late.Wait, 0).Milliseconds(), c.op.id, c.Peer.ID, c.Peer.ID).Because(err)
	}
	return err
}

// lockText is a lock as the original names it: a number made of its type and of a
// hash of its name, the type, the hash alone, and the name.
func lockText(n lock.Name) string {
	const hashBits = 59
	kind, number := "Collection", uint64(8)
	if n.Coll == "" {
		kind, number = "Database", 6
	}
	name := catalog.Namespace(n).String()
	h := fnv.New64a()
	h.Write([]byte(name))
	hash := h.Sum64() & (1<<hashBits - 1)
	return "{" + strconv.FormatUint(number<<hashBits|hash, 10) + ": " + kind + ", " + strconv.FormatUint(hash, 10) + ", " + name + "}"
}
