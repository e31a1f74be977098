package command

import (
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// A server that has more to do than it can tells so at once, in a way that drivers
// obey: the label SystemOverloadedError has them wait, for longer each time and at
// first for baseBackoffMS, before they come again. RetryableError says that coming
// again with the same command is safe, since nothing of it was done.

// backingOff gives an error what a driver needs to back off; again tells whether
// the very same command may be sent again.
func (d *Dispatcher) backingOff(e *mongoerr.Error, again bool) *mongoerr.Error {
	b := bsonx.NewBuilder(nil)
	b.Int64("baseBackoffMS", d.Params.OverloadBaseBackoffMillis.Get())
	e = e.WithInfo(b.Doc())
	if !e.Code.Is(mongoerr.SystemOverloadedError) { // else it has the label by its code.
		e = e.With(mongoerr.SystemOverloaded)
	}
	if again {
		e = e.With(mongoerr.Retryable)
	}
	return e
}

// crowded tells the command that too many wait already for what it needs. In a
// transaction it is a write conflict, as if it had waited in vain: the transaction
// is over, and the next one may succeed. Outside, nothing was done.
func (d *Dispatcher) crowded(c *Call, conflict *kv.Conflict) *mongoerr.Error {
	d.metrics.overloaded.Add(1)
	const format = "%s, and %d others wait for it already: no more than 'writeConflictWaitersMax' = %d may"
	what, most := d.describe(conflict), d.Params.WriteConflictWaitersMax.Get()
	if c.Gen.InTxn() {
		return d.backingOff(mongoerr.Newf(mongoerr.WriteConflict, format, what, conflict.Waiters, most).Because(conflict), false)
	}
	return d.backingOff(mongoerr.Newf(mongoerr.AdmissionQueueOverflow, format, what, conflict.Waiters, most).Because(conflict), !c.wrote)
}

// isCrowded tells whether err says that too many wait already.
func isCrowded(err error) bool {
	conflict, ok := errors.AsType[*kv.Conflict](err)
	return ok && conflict.Waiters > 0
}

// tooMany words a *session.TooMany, and passes on every other error. Nothing of what
// was too many has begun; again tells whether the very same command may be sent again.
func (d *Dispatcher) tooMany(what, param string, err error, again bool) error {
	many, ok := errors.AsType[*session.TooMany](err)
	if !ok {
		return err
	}
	d.metrics.overloaded.Add(1)
	return d.backingOff(mongoerr.Newf(mongoerr.AdmissionQueueOverflow,
		"%d %s are open, and no more than '%s' = %d may be", many.Open, what, param, many.Most), again)
}
