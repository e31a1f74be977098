package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// errCloseConnection has the connection dropped without a reply.
var errCloseConnection = errors.New("command: close the connection")

// finish waits for what the reply promises and makes the reply whole.
func (d *Dispatcher) finish(ctx context.Context, c *Call, err error) Result {
	if errors.Is(err, errCloseConnection) {
		return Result{Close: true}
	}
	if c.hangUp {
		return Result{Close: true}
	}
	if c.wrote && c.settings.Coll != "" {
		d.reload(ctx, c.settings)
	}
	told := d.told(c, err)
	wcErr, err := d.settle(ctx, c, told)
	if err != nil {
		told = d.told(c, interrupted(ctx, err))
	}
	c.told = told
	if c.Req.NoReply {
		// A client that waits for no reply can be told of a lost primary only so.
		return Result{Close: told != nil && told.Code.Is(mongoerr.NotPrimaryError)}
	}
	if told != nil {
		c.Reply.Rewind()
		d.appendError(c, told, wcErr)
	} else {
		d.appendSuccess(c, wcErr)
	}
	d.appendTimes(c)
	c.Reply.Doc()
	return Result{Reply: c.Reply.Buffer(), More: c.more && told == nil, Waited: c.durableWait > 0}
}

func (d *Dispatcher) appendSuccess(c *Call, wcErr bsonx.Doc) {
	b := c.Reply
	if c.ran() && c.Spec.Writes && c.Spec.Name != "findAndModify" && c.Spec.Name != "bulkWrite" && c.WriteConcern.Unacknowledged() && !c.InTxn() {
		b.Rewind()
		b.Int32("n", 0)
		if c.Spec.Name == "update" {
			b.Int32("nModified", 0)
		}
	}
	if wcErr != nil {
		b.EmbedDoc("writeConcernError", wcErr)
		d.appendLabels(c, 0, codeOf(wcErr), nil)
	}
	b.Double("ok", 1)
}

func (d *Dispatcher) appendError(c *Call, e *mongoerr.Error, wcErr bsonx.Doc) {
	b := c.Reply
	var wcCode mongoerr.Code
	if wcErr != nil {
		wcCode = codeOf(wcErr)
	}
	d.appendLabels(c, e.Code, wcCode, e.Labels)
	b.Double("ok", 0)
	b.String("errmsg", e.Msg)
	b.Int32("code", int32(e.Code))
	b.String("codeName", e.Code.String())
	b.Fields(e.Info)
	if wcErr != nil {
		b.EmbedDoc("writeConcernError", wcErr)
	}
	if e.Code.Is(mongoerr.NotPrimaryError) || e.Code.Is(mongoerr.ShutdownError) && d.stopping.Load() {
		// A shutdown that is not this server's must not name its version: a client
		// that knows that version takes the error for an old one.
		d.topology.appendTo(b)
	}
}

func (d *Dispatcher) appendLabels(c *Call, code, wcCode mongoerr.Code, more []mongoerr.Label) {
	all := append(labels(c.Spec, &c.Gen, code, wcCode, d.stopping.Load(), c.entered && c.known && !c.wrote && !c.doubt), more...)
	if c.labelsSet {
		all = c.forceLabels
	}
	if len(all) == 0 {
		return
	}
	c.Reply.OpenArray("errorLabels")
	for i, l := range all {
		c.Reply.String(bsonx.Index(i), string(l))
	}
	c.Reply.Close()
}

// appendTimes tells the cluster's time and the operation's (6.2).
func (d *Dispatcher) appendTimes(c *Call) {
	now := d.Store.Visible()
	c.Reply.OpenDoc("$clusterTime")
	c.Reply.Timestamp("clusterTime", uint64(now))
	c.Reply.OpenDoc("signature")
	c.Reply.Binary("hash", 0, noHash[:])
	c.Reply.Int64("keyId", 0)
	c.Reply.Close()
	c.Reply.Close()
	c.Reply.Timestamp("operationTime", uint64(c.operationTime(now)))
}

// operationTime is the time that the reply is of: that of the command's last write, or now.
func (c *Call) operationTime(now kv.Time) kv.Time {
	if c.wrote {
		return c.depends
	}
	return now
}

// appendElection tells in a write's reply who took it and when, as members of a
// replica set do.
func (c *Call) appendElection() {
	c.Reply.ObjectID("electionId", c.D.Persona.Elected)
	appendOpTime(c.Reply, "opTime", c.operationTime(c.D.Store.Visible()))
}

// appendRetried tells which statements of a write were answered from their records.
func (c *Call) appendRetried(stmts []int32) {
	if len(stmts) == 0 {
		return
	}
	c.Reply.OpenArray("retriedStmtIds")
	for i, s := range stmts {
		c.Reply.Int32(bsonx.Index(i), s)
	}
	c.Reply.Close()
	c.D.Sessions.Retried(len(stmts))
}

// noHash signs cluster times while there is no authentication.
var noHash [20]byte

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
	// An aggregate takes a write concern for the stages that write; without them it is a read.
	writes := c.Spec.Write && c.Spec.Read == ReadLocal && !(c.Gen.InTxn() && c.Spec.Txn != Ends)
	if told == nil || c.Spec.Txn != Ends || told.Code == mongoerr.NoSuchTransaction {
		c.Peer.Wrote = c.Peer.Wrote || writes || c.ReadConcern.Level == levelLinearizable
	}
	if !writes {
		if c.durableRead() && c.depends != 0 {
			err = d.durable(ctx, c, c.depends)
		}
		return failed, err
	}
	if failed != nil {
		return failed, nil
	}
	if told != nil && c.depends == 0 {
		c.Dependent(d.Store.Visible())
	}
	wc := c.WriteConcern
	if told != nil && told.Code == mongoerr.MaxTimeMSExpired && c.Spec.Name != "findAndModify" {
		// No time is left to wait for anything; the original says so with a write concern of its own.
		return WriteConcern{W: 1}.expired(), nil
	}
	if fail := wc.unsatisfied(); fail != nil {
		return fail, nil
	}
	switch {
	case !wc.Durable():
		return nil, nil
	case wc.Timeout < 0 && wc.Majority() && c.wrote:
		return wc.failure(mongoerr.WriteConcernTimeout, "waiting for replication timed out", true), nil // no time is given for others to confirm it.
	}
	return d.waitDurable(ctx, c, wc), nil
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

// operation is what the fail point failCommand looks at.
func (c *Call) operation() failpoint.Operation {
	return failpoint.Operation{Names: c.Spec.names, AppName: c.appName(), Namespace: c.target()}
}

// appName is the connection's, or the one that this very greeting tells.
func (c *Call) appName() string {
	if c.Peer.AppName != "" || !c.Spec.NoAuth || c.Args.f.index["client"] == 0 {
		return c.Peer.AppName
	}
	app := bsonx.Get(c.Args.Doc("client"), "application")
	if app.Type != bsonx.TypeDocument {
		return ""
	}
	if name := bsonx.Get(bsonx.AsDoc(app), "name"); name.Type == bsonx.TypeString {
		return bsonx.Str(name)
	}
	return ""
}

// failCommand does what the fail point of that name asks for this command (11.2).
func (d *Dispatcher) failCommand(ctx context.Context, c *Call) error {
	if c.Spec.Name == "configureFailPoint" || d.FailPoints.Idle() {
		return nil
	}
	f, ok := d.FailPoints.FailCommand(c.operation())
	if !ok {
		return nil
	}
	c.forceLabels, c.labelsSet = f.Labels, f.LabelsSet
	if f.Stay {
		if err := d.FailPoints.Outlast(ctx, failpoint.FailCommandPoint); err != nil {
			return interrupted(ctx, ctx.Err())
		}
	}
	if f.Block > 0 {
		t := time.NewTimer(f.Block)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return interrupted(ctx, ctx.Err())
		}
	}
	switch {
	case f.Close:
		return errCloseConnection
	case f.Err != nil:
		return f.Err
	}
	return nil
}

// failWriteConcern asks the fail point failCommand for a write concern error in
// place of the command's own: inside transactions too, and on a getMore, whose
// cursor might write.
func (d *Dispatcher) failWriteConcern(c *Call) (bsonx.Doc, error) {
	if d.FailPoints.Idle() || !c.Spec.Write && c.Spec.Name != "getMore" {
		return nil, nil
	}
	f, ok := d.FailPoints.FailWriteConcern(c.operation())
	if !ok {
		return nil, nil
	}
	if f.Err != nil {
		return nil, f.Err
	}
	c.forceLabels, c.labelsSet = f.Labels, f.LabelsSet
	return f.WriteConcernError, nil
}

// target is the namespace that the command's own field names, for filters.
func (c *Call) target() string {
	if c.Arg.Type != bsonx.TypeString {
		return c.Gen.DB
	}
	return c.Gen.DB + "." + bsonx.Str(c.Arg)
}

// codeOf is the code of a writeConcernError, which a fail point may have worded.
func codeOf(wcErr bsonx.Doc) mongoerr.Code {
	n, _ := integer(bsonx.Get(wcErr, "code"))
	return mongoerr.Code(n)
}
