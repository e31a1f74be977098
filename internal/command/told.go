package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// told turns what a command returned into what its client is told. It is the one
// place where a storage error gets a code.
func (d *Dispatcher) told(c *Call, err error) *mongoerr.Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*mongoerr.Error](err); ok {
		return e
	}
	if conflict, ok := errors.AsType[*kv.Conflict](err); ok && conflict.Waiters > 0 {
		return d.crowded(c, conflict)
	} else if ok && conflict.Read {
		return mongoerr.Newf(mongoerr.WriteConflict, "A serializable transaction has read what was changed before it could commit. :: Please retry your operation or multi-document transaction. (%s)",
			d.describe(conflict)).Because(err)
	} else if ok {
		return mongoerr.Newf(mongoerr.WriteConflict, "Caused by :: Write conflict during plan execution and yielding is disabled. :: Please retry your operation or multi-document transaction. (%s)",
			d.describe(conflict)).Because(err)
	}
	switch {
	case errors.Is(err, kv.ErrSnapshotTooOld):
		at := c.ReadConcern.At
		return mongoerr.Newf(mongoerr.SnapshotTooOld, "Read timestamp Timestamp(%d, %d) is older than the oldest available timestamp.", at.Seconds(), at.Inc())
	case errors.Is(err, kv.ErrTooLarge):
		return mongoerr.Newf(mongoerr.TransactionTooLarge, "What is written at once must be less than the %d bytes that the storage engine takes", d.Store.Caps().TxnBytesMax).Because(err)
	case errors.Is(err, kv.ErrClosed), errors.Is(err, kv.ErrOutcomeUnknown):
		// Either way the store is done for, and the client learns at the next one.
		c.doubt = true
		return mongoerr.New(mongoerr.InterruptedAtShutdown, "interrupted at shutdown").Because(err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return mongoerr.New(mongoerr.Interrupted, "operation was interrupted").Because(err)
	}
	d.Log.Error("command failed", slog.String("command", c.Name), slog.String("db", c.Gen.DB), slog.Any("error", err))
	return mongoerr.From(err)
}

// describe says what was lost, and to whom.
func (d *Dispatcher) describe(c *kv.Conflict) string {
	if c.Read && c.Floor {
		return "more was written since its snapshot than its reads can be compared with"
	}
	what := d.db.Describe(context.Background(), c.Key)
	if c.Read {
		what += ": read here, and"
	} else {
		what += ":"
	}
	switch {
	case c.Deadlock:
		return what + " waiting for it would never have ended"
	case c.Held:
		return fmt.Sprintf("%s held by another transaction for %d ms", what, c.Age.Milliseconds())
	case c.Floor:
		return what + " this transaction is older than the memory of writes reaches"
	}
	return fmt.Sprintf("%s written by a transaction that committed %d s ago, at Timestamp(%d, %d)",
		what, max(0, d.Env.Now().Unix()-int64(c.Winner.Seconds())), c.Winner.Seconds(), c.Winner.Inc())
}
