package command

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/metrics"
	"github.com/pandodb/pando/internal/session"
)

// op is a command as currentOp shows it and killOp ends it, while it runs.
type op struct {
	id      int64
	cancel  context.CancelCauseFunc
	appName string // the connection's when the command began.
}

// note is how the store names the operation to others who wait for it.
func (p *op) note() string { return "op " + strconv.FormatInt(p.id, 10) }

// ops are the running commands of one server.
type ops struct {
	next    atomic.Int64
	mu      sync.Mutex // guards running; a leaf.
	running map[int64]*Call
}

func (o *ops) begin(c *Call, cancel context.CancelCauseFunc) {
	c.op = op{id: o.next.Add(1), cancel: cancel, appName: c.Peer.AppName}
	o.mu.Lock()
	if o.running == nil {
		o.running = map[int64]*Call{}
	}
	o.running[c.op.id] = c
	o.mu.Unlock()
}

func (o *ops) end(c *Call) {
	o.mu.Lock()
	delete(o.running, c.op.id)
	o.mu.Unlock()
}

// kill interrupts an operation if it runs.
func (o *ops) kill(id int64, cause error) {
	o.mu.Lock()
	c := o.running[id]
	o.mu.Unlock()
	if c != nil {
		c.op.cancel(cause)
	}
}

// killSessions interrupts the operations of sessions that match, but for one.
func (o *ops) killSessions(match func(session.ID) bool, but *Call, cause error) {
	o.each(func(c *Call) {
		if c != but && c.Gen.HasLSID && match(c.Gen.LSID) {
			c.op.cancel(cause)
		}
	})
}

// each calls f for the running operations, the oldest first. None of them ends
// meanwhile, so what a Call was admitted with may be read.
func (o *ops) each(f func(*Call)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(o.running)) {
		f(o.running[id])
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
	case "find", "aggregate":
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
