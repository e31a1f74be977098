package command

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/metrics"
	"github.com/pandodb/pando/internal/session"
)

// op is a running command, as currentOp shows it and killOp ends it.
type op struct {
	id      int64
	call    *Call
	cancel  context.CancelCauseFunc
	started time.Time
	appName string // the connection's when the command began.
}

// note is how the store names the operation to others who wait for it.
func (p *op) note() string { return "op " + strconv.FormatInt(p.id, 10) }

// ops are the running commands of one server.
type ops struct {
	next atomic.Int64
	mu   sync.Mutex // guards running; a leaf.
	run  map[int64]*op
}

func (o *ops) begin(c *Call, cancel context.CancelCauseFunc) *op {
	p := &c.asOp
	*p = op{id: o.next.Add(1), call: c, cancel: cancel, started: c.started, appName: c.Peer.AppName}
	o.mu.Lock()
	if o.run == nil {
		o.run = map[int64]*op{}
	}
	o.run[p.id] = p
	o.mu.Unlock()
	return p
}

func (o *ops) end(p *op) {
	o.mu.Lock()
	delete(o.run, p.id)
	o.mu.Unlock()
}

// kill interrupts an operation if it runs.
func (o *ops) kill(id int64, cause error) {
	o.mu.Lock()
	p := o.run[id]
	o.mu.Unlock()
	if p != nil {
		p.cancel(cause)
	}
}

// killSessions interrupts the operations of sessions that match, but for one.
func (o *ops) killSessions(match func(session.ID) bool, but *op, cause error) {
	o.each(func(p *op) {
		if p != but && p.call.Gen.HasLSID && match(p.call.Gen.LSID) {
			p.cancel(cause)
		}
	})
}

// each calls f for the running operations, the oldest first. None of them ends
// meanwhile, so what a Call was admitted with may be read.
func (o *ops) each(f func(*op)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(o.run)) {
		f(o.run[id])
	}
}

// counters are what serverStatus tells of commands.
type counters struct {
	overloaded                                           metrics.Counter // commands that were refused since there was too much to do.
	writeConflicts                                       metrics.Counter
	readConflicts                                        metrics.Counter // of them: serializable transactions whose reads did not stand.
	insert, query, update, remove, getMore, command      metrics.Counter
	docsInserted, docsUpdated, docsDeleted, docsReturned metrics.Counter
}

// note counts a command that has ended.
func (d *Dispatcher) note(c *Call) {
	if c.Spec == nil {
		return
	}
	switch c.Spec.Name {
	case "find":
		d.metrics.query.Add(1)
	case "getMore":
		d.metrics.getMore.Add(1)
	case "insert", "update", "delete", "bulkWrite": // counted by statement.
	default:
		d.metrics.command.Add(1)
	}
}

func appendOpTime(b *bsonx.Builder, name string, t kv.Time) {
	b.OpenDoc(name)
	b.Timestamp("ts", uint64(t))
	b.Int64("t", session.Term)
	b.Close()
}
