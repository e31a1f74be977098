package command

import (
	"context"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// ran tells whether the command got as far as its own function.
func (c *Call) ran() bool { return c.Spec != nil && c.entered }

// settle waits until what the reply tells is as durable as the client asked for.
// If it will not be, a write is told by the writeConcernError that is returned;
// of a read nothing may be told but the error.
func (d *Dispatcher) settle(ctx context.Context, c *Call, told *mongoerr.Error) (wcErr bsonx.Doc, err error) {
	if !c.ran() {
		return nil, nil
	}
	failed, err := d.failWriteConcern(c)
	if err != nil {
		return nil, err
	}
	writes := c.awaitsWrites()
	if told == nil || c.Spec.Txn != Ends || told.Code == mongoerr.NoSuchTransaction {
		c.Peer.Wrote = c.Peer.Wrote || writes || c.ReadConcern.Level == levelLinearizable
	}
	switch {
	case !writes && c.durableRead() && c.depends != 0:
		return failed, d.durable(ctx, c, c.depends)
	case !writes, failed != nil:
		return failed, nil
	}
	return d.settleWrite(ctx, c, told), nil
}

// awaitsWrites tells whether the reply waits for what the write concern says. An
// aggregate takes one for the stages that write; without them it is a read.
func (c *Call) awaitsWrites() bool {
	return c.Spec.Write && c.Spec.Read == ReadLocal && !(c.Gen.InTxn() && c.Spec.Txn != Ends)
}

// settleWrite is settle for a write.
func (d *Dispatcher) settleWrite(ctx context.Context, c *Call, told *mongoerr.Error) (wcErr bsonx.Doc) {
	if told != nil && c.depends == 0 {
		c.Dependent(d.Store.Visible())
	}
	wc := c.WriteConcern
	if told != nil && told.Code == mongoerr.MaxTimeMSExpired && c.Spec.Name != "findAndModify" {
		// No time is left to wait for anything; the original says so with a write concern of its own.
		return WriteConcern{W: 1}.expired()
	}
	if fail := wc.unsatisfied(); fail != nil {
		return fail
	}
	switch {
	case !wc.Durable():
		return nil
	case wc.Timeout < 0 && wc.Majority() && c.wrote:
		return wc.failure(mongoerr.WriteConcernTimeout, "waiting for replication timed out", true) // no time is given for others to confirm it.
	}
	return d.waitDurable(ctx, c, wc)
}

func (d *Dispatcher) waitDurable(ctx context.Context, c *Call, wc WriteConcern) bsonx.Doc {
	cancel := func() {}
	timedOut := mongoerr.New(mongoerr.WriteConcernTimeout, "waiting for replication timed out")
	if wc.Timeout > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(wc.Timeout)*time.Millisecond, timedOut)
	}
	defer cancel()
	t := c.depends
	if t == 0 {
		t = d.Store.Visible()
	}
	err := d.durable(ctx, c, t)
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		e := mongoerr.From(interrupted(ctx, ctx.Err()))
		return wc.failure(e.Code, e.Msg, e.Code == mongoerr.WriteConcernTimeout)
	}
	e := d.told(c, err)
	return wc.failure(e.Code, e.Msg, false)
}

// durable waits until the log is durable up to t, and notes for how long.
func (d *Dispatcher) durable(ctx context.Context, c *Call, t kv.Time) error {
	if t <= d.Store.Durable() {
		return nil
	}
	began := d.Env.Now()
	err := d.Store.WaitDurable(ctx, t)
	c.durableWait += d.Env.Since(began)
	return err
}

// durableRead tells whether the reply shows a majority reader something.
func (c *Call) durableRead() bool {
	return c.shows || !c.Gen.InTxn() && c.ReadConcern.Durable()
}
