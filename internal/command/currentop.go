package command

import (
	"context"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// currentOpOptions are the fields of a $currentOp stage.
var currentOpOptions = NewFields("$currentOp",
	Field{Name: "allUsers", Type: Boolean, NoEffect: "there are no users yet"},
	Field{Name: "idleConnections", Type: Boolean, NotYet: true, Unless: isFalse},
	Field{Name: "idleCursors", Type: Boolean, NotYet: true, Unless: isFalse},
	Field{Name: "idleSessions", Type: Boolean},
	Field{Name: "localOps", Type: Boolean, NoEffect: "all operations are local"},
	Field{Name: "targetAllNodes", Type: Boolean, NotYet: true, Unless: isFalse},
	Field{Name: "backtrace", Type: Boolean, NotYet: true, Unless: isFalse},
	Field{Name: "truncateOps", Type: Boolean, NotYet: true, Unless: isFalse})

// currentOpStage lists what runs in place of a $currentOp stage.
func (c *Call) currentOpStage(arg bsonx.Value) (bsonx.Doc, error) {
	if c.Gen.DB != "admin" || c.Arg.Type == bsonx.TypeString {
		return nil, mongoerr.New(mongoerr.InvalidNamespace, "$currentOp must be run against the 'admin' database with {aggregate: 1}")
	}
	if arg.Type != bsonx.TypeDocument {
		return nil, mongoerr.New(mongoerr.TypeMismatch, "$currentOp options must be specified in an object, but found: "+bsonx.TypeName(arg.Type))
	}
	a, err := currentOpOptions.Decode(bsonx.AsDoc(arg))
	if err != nil {
		return nil, err
	}
	var docs []bsonx.Doc
	for _, doc := range c.D.currentOps() {
		if a.Bool("idleSessions", true) || !isString("idleSession")(bsonx.Get(doc, "type")) {
			docs = append(docs, doc)
		}
	}
	return documentsStage(docs), nil
}

// runCurrentOp lists the running operations and the transactions that are open
// while nothing runs in them. Other fields of the command select among them.
func runCurrentOp(_ context.Context, c *Call) error {
	b := c.Reply
	b.OpenArray("inprog")
	i := 0
	for _, doc := range c.D.currentOps() {
		if !selected(doc, c.others()) {
			continue
		}
		b.EmbedDoc(bsonx.Index(i), doc)
		i++
	}
	b.Close()
	return nil
}

// selected tells whether a document has the values of want, field by field.
func selected(doc, want bsonx.Doc) bool {
	for it := bsonx.Walk(want); it.Next(); {
		switch it.Key() {
		case "$all", "$ownOps":
			continue
		}
		if !bsonx.Equal(bsonx.Get(doc, it.Key()), it.Value()) {
			return false
		}
	}
	return true
}

func (d *Dispatcher) currentOps() []bsonx.Doc {
	var docs []bsonx.Doc
	open := map[session.ID]session.Info{}
	for i := range d.Sessions.All() {
		if i.Open {
			open[i.ID] = i
		}
	}
	now := d.Env.Now()
	waiting := map[string]bool{}
	if d.Waits != nil {
		for _, note := range d.Waits() {
			waiting[note] = true
		}
	}
	for _, note := range d.db.Locks().Waiting() {
		waiting[note] = true
	}
	d.ops.each(func(p *op) {
		i, inTxn := open[p.call.Gen.LSID]
		docs = append(docs, d.describeOp(p, now, waiting[p.note()], i, inTxn))
	})
	for _, i := range open {
		if i.Busy {
			continue
		}
		b := bsonx.NewBuilder(nil)
		b.String("type", "idleSession")
		b.String("host", d.Host.Hostname)
		b.String("desc", "inactive transaction")
		b.EmbedDoc("lsid", i.ID.Doc())
		appendOpenTxn(b, i, now)
		b.Bool("waitingForLock", false)
		b.Bool("active", false)
		docs = append(docs, b.Doc())
	}
	return docs
}

// describeOp is a running operation as currentOp shows it.
func (d *Dispatcher) describeOp(p *op, now time.Time, waits bool, txn session.Info, inTxn bool) bsonx.Doc {
	c := p.call
	b := bsonx.NewBuilder(nil)
	b.String("type", "op")
	b.String("host", d.Host.Hostname)
	b.String("desc", "conn")
	b.Int32("connectionId", int32(c.Peer.ID))
	b.String("client", c.Peer.Remote)
	if p.appName != "" {
		b.String("appName", p.appName)
	}
	b.Bool("active", true)
	b.String("currentOpTime", now.Format(time.RFC3339Nano))
	b.Int64("opid", p.id)
	b.Int64("secs_running", int64(now.Sub(p.started).Seconds()))
	b.Int64("microsecs_running", now.Sub(p.started).Microseconds())
	b.String("op", opName(c.Spec.Name))
	b.String("ns", c.target())
	b.EmbedDoc("command", c.Req.Body)
	if c.Gen.HasLSID {
		b.EmbedDoc("lsid", c.Gen.LSID.Doc())
		if inTxn && c.Gen.InTxn() {
			appendOpenTxn(b, txn, now)
		}
	}
	b.Bool("waitingForLock", waits)
	return b.Doc()
}

func appendOpenTxn(b *bsonx.Builder, i session.Info, now time.Time) {
	b.OpenDoc("transaction")
	b.OpenDoc("parameters")
	b.Int64("txnNumber", i.Number)
	b.Bool("autocommit", false)
	b.Close()
	b.String("startWallClockTime", i.Started.Format(time.RFC3339Nano))
	b.Int64("timeOpenMicros", now.Sub(i.Started).Microseconds())
	b.String("expiryTime", i.Expires.Format(time.RFC3339Nano))
	b.Close()
}

func opName(command string) string {
	switch command {
	case "find":
		return "query"
	case "getMore":
		return "getmore"
	case "insert", "update":
		return command
	case "delete":
		return "remove"
	}
	return "command"
}
