package command

import (
	"context"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
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
	if c.forced.hangUp {
		return Result{Close: true}
	}
	if c.wrote && c.settings != nil {
		d.reload(ctx, *c.settings)
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
	unchanged := c.entered && c.known && !c.wrote && !c.doubt
	all := append(labels(c.Spec, &c.Gen, verdict{code: code, wcCode: wcCode, stopping: d.stopping.Load(), unchanged: unchanged}), more...)
	if c.forced.labelsSet {
		all = c.forced.labels
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

// codeOf is the code of a writeConcernError, which a fail point may have worded.
func codeOf(wcErr bsonx.Doc) mongoerr.Code {
	n, _ := integer(bsonx.Get(wcErr, "code"))
	return mongoerr.Code(n)
}
