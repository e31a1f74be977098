package command_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/mongoerr"
)

// conn is one client's connection: its commands run one after the other.
type conn struct {
	h    *house
	peer command.Peer
	ctx  context.Context
	hang context.CancelCauseFunc
}

func (h *house) conn() *conn {
	c := &conn{h: h, peer: command.Peer{ID: h.peers.Add(1), Remote: "client"}}
	c.ctx, c.hang = context.WithCancelCause(context.Background())
	return c
}

// hangUp is what the listener does when a client goes away.
func (c *conn) hangUp() {
	c.hang(mongoerr.New(mongoerr.ClientDisconnect, "operation was interrupted because the client disconnected"))
}

// run sends a command and returns its reply. Fields of more documents are added.
func (c *conn) run(text string, more ...string) reply {
	c.h.t.Helper()
	return c.send(doc(c.h.t, text), more...)
}

func (c *conn) send(cmd bsonx.Doc, more ...string) reply {
	c.h.t.Helper()
	name, _ := bsonx.First(cmd)
	b := bsonx.NewBuilder(nil)
	b.Fields(cmd)
	for _, m := range more {
		b.Fields(doc(c.h.t, m))
	}
	b.String("$db", databaseOf(name))
	return c.request(b.Doc())
}

// request runs a command and spoils its bytes afterwards, as the wire's next
// message does: nothing that outlives it may borrow from them.
func (c *conn) request(body bsonx.Doc) reply {
	r := c.h.d.Run(c.ctx, &c.peer, command.Request{Body: body}, nil)
	for i := range body {
		body[i] = '?'
	}
	return reply{c.h.t, r.Reply}
}

// runOn is run on another database than the command's usual one.
func (c *conn) runOn(db, text string) reply {
	c.h.t.Helper()
	b := bsonx.NewBuilder(nil)
	b.Fields(doc(c.h.t, text))
	b.String("$db", db)
	return c.request(b.Doc())
}

func databaseOf(command string) string {
	switch command {
	case "insert", "update", "delete", "find", "findAndModify", "aggregate", "getMore", "create", "createIndexes",
		"drop", "dropDatabase", "dropIndexes", "collMod", "listCollections", "listIndexes", "distinct":
		return "test"
	}
	return "admin"
}

// pending is a command under way.
type pending struct {
	h    *house
	text string
	done chan reply
}

// begin sends a command and does not wait for its reply.
func (c *conn) begin(text string, more ...string) *pending {
	p := &pending{c.h, text, make(chan reply, 1)}
	go func() { p.done <- c.run(text, more...) }()
	return p
}

// waits says that the command cannot go on by itself.
func (p *pending) waits() *pending {
	p.h.t.Helper()
	synctest.Wait()
	if len(p.done) > 0 {
		p.h.t.Fatalf("%s does not wait: %s", p.text, <-p.done)
	}
	return p
}

// want says that the command has ended by now, and how.
func (p *pending) want(text string) {
	p.h.t.Helper()
	synctest.Wait()
	if len(p.done) == 0 {
		p.h.t.Fatalf("%s still waits", p.text)
	}
	r := <-p.done
	r.want(text)
}

// reply is what a command answered.
type reply struct {
	t   *testing.T
	doc bsonx.Doc
}

// String is the reply in brief: documents of a cursor, codes and labels of errors,
// and no times.
func (r reply) String() string {
	if r.doc == nil {
		return "hung up"
	}
	if labels := bsonx.Get(r.doc, "errorLabels"); bsonx.AsDouble(bsonx.Get(r.doc, "ok")) == 0 {
		return strings.TrimSpace(fmt.Sprintf("error %d %s", bsonx.AsInt32(bsonx.Get(r.doc, "code")), elements(labels)))
	}
	b := bsonx.NewBuilder(nil)
	tail := ""
	for it := bsonx.Walk(r.doc); it.Next(); {
		switch it.Key() {
		case "ok", "$clusterTime", "operationTime", "electionId", "opTime":
		case "cursor":
			tail += elements(bsonx.Get(bsonx.AsDoc(it.Value()), "firstBatch")) + elements(bsonx.Get(bsonx.AsDoc(it.Value()), "nextBatch"))
		case "writeConcernError":
			tail += fmt.Sprintf(" concern: %d", bsonx.AsInt32(bsonx.Get(bsonx.AsDoc(it.Value()), "code")))
		case "writeErrors":
			for e := bsonx.Walk(bsonx.AsDoc(it.Value())); e.Next(); {
				tail += fmt.Sprintf(" at %d: %d", bsonx.AsInt32(bsonx.Get(bsonx.AsDoc(e.Value()), "index")), bsonx.AsInt32(bsonx.Get(bsonx.AsDoc(e.Value()), "code")))
			}
		default:
			b.Value(it.Key(), it.Value())
		}
	}
	if bsonx.Len(b.Buffer()) > 0 || tail == "" {
		return bsonx.ToJSON(b.Doc()) + tail
	}
	return tail
}

func elements(arr bsonx.Value) string {
	var all []string
	if arr.Type != bsonx.TypeArray {
		return ""
	}
	for it := bsonx.Walk(bsonx.AsDoc(arr)); it.Next(); {
		if v := it.Value(); v.Type == bsonx.TypeString {
			all = append(all, bsonx.Str(v))
			continue
		}
		all = append(all, bsonx.ToJSON(bsonx.AsDoc(it.Value())))
	}
	return "[" + strings.Join(all, " ") + "]"
}

func (r reply) want(text string) {
	r.t.Helper()
	if got := r.String(); got != text {
		r.t.Errorf("got  %s\nwant %s\n(%s)", got, text, bsonx.ToJSON(r.doc))
	}
}

// shown is a field of the reply as the shell prints it, by its path.
func (r reply) shown(path ...string) string {
	v := bsonx.DocValue(r.doc)
	for _, name := range path {
		if v.Type != bsonx.TypeDocument && v.Type != bsonx.TypeArray {
			return ""
		}
		v = bsonx.Get(bsonx.AsDoc(v), name)
	}
	return bsonx.ShellString(v)
}

// lsid is a logical session's id, as the fields of its commands.
type lsid int

func (s lsid) fields() string {
	return fmt.Sprintf(`"lsid":{"id":{"$uuid":"00000000-0000-4000-8000-%012x"}}`, int(s))
}

// retryable, starting and within are the fields of a retryable write, and of the
// first and the later statements of a transaction.
func (s lsid) retryable(n int) string {
	return fmt.Sprintf(`{%s,"txnNumber":{"$numberLong":"%d"}}`, s.fields(), n)
}

func (s lsid) starting(n int) string {
	return fmt.Sprintf(`{%s,"txnNumber":{"$numberLong":"%d"},"startTransaction":true,"autocommit":false}`, s.fields(), n)
}

func (s lsid) within(n int) string {
	return fmt.Sprintf(`{%s,"txnNumber":{"$numberLong":"%d"},"autocommit":false}`, s.fields(), n)
}

// kill is a command that kills the session.
func (s lsid) kill() string {
	return fmt.Sprintf(`{"killSessions":[{%s}]}`, s.fields()[len(`"lsid":{`):len(s.fields())-1])
}

const (
	commit = `{"commitTransaction":1}`
	abort  = `{"abortTransaction":1}`
	w1     = `{"writeConcern":{"w":1}}`
	findX  = `{"find":"c","filter":{"_id":"x"}}`
	incX   = `{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$inc":{"n":1}}}]}`
	readX  = `{"find":"c","filter":{"_id":"x"},"projection":{"_id":0}}`
)

// putX makes the document that most tests are about.
func (h *house) putX() {
	h.t.Helper()
	h.conn().run(`{"insert":"c","documents":[{"_id":"x","n":0}]}`).want(`{"n":1}`)
}

// cursor is the id of the cursor that a reply opened, or 0.
func (r reply) cursor() int64 {
	return bsonx.AsInt64(bsonx.Get(bsonx.AsDoc(bsonx.Get(r.doc, "cursor")), "id"))
}
