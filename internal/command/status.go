package command

import (
	"context"
	"os"

	"github.com/pandodb/pando/internal/bsonx"
)

// runServerStatus tells the counts that the server keeps. A section that it does
// not keep is absent; a section can be left out by name, as in {repl: 0}.
func runServerStatus(_ context.Context, c *Call) error {
	b, d := c.Reply, c.D
	b.String("host", d.Host.Hostname)
	b.String("version", mongoVersion)
	b.String("process", "pando")
	b.Int64("pid", int64(os.Getpid()))
	up := d.Env.Since(d.Persona.Started)
	b.Double("uptime", up.Seconds())
	b.Int64("uptimeMillis", up.Milliseconds())
	b.Date("localTime", d.Env.Now().UnixMilli())
	for _, s := range []struct {
		name   string
		append func(*Call)
	}{
		{"connections", appendConnections},
		{"defaultRWConcern", func(c *Call) { c.D.defaults().appendTo(c.Reply, false) }},
		{"featureCompatibilityVersion", appendFCV},
		{"logicalSessionRecordCache", appendSessionCache},
		{"metrics", appendMetrics},
		{"opcounters", appendOpCounters},
		{"repl", appendRepl},
		{"storageEngine", appendEngine},
		{"transactions", appendTransactions},
	} {
		if v := bsonx.Get(c.others(), s.name); v.Type != bsonx.TypeMissing && isFalse(v) {
			continue
		}
		b.OpenDoc(s.name)
		s.append(c)
		b.Close()
	}
	return nil
}

func appendConnections(c *Call) {
	if c.D.Stats == nil {
		return
	}
	s := c.D.Stats()
	c.Reply.Int32("current", int32(s.Current))
	c.Reply.Int32("available", int32(s.Available))
	c.Reply.Int32("totalCreated", int32(s.TotalCreated))
	c.Reply.Int32("active", int32(s.Active))
}

func appendSessionCache(c *Call) {
	n := 0
	for range c.D.Sessions.All() {
		n++
	}
	c.Reply.Int32("activeSessionsCount", int32(n))
}

func appendMetrics(c *Call) {
	b, m := c.Reply, &c.D.metrics
	b.OpenDoc("cursor")
	b.OpenDoc("open")
	b.Int64("total", int64(c.D.Sessions.Cursors().Open()))
	b.Close()
	b.Close()
	b.OpenDoc("document")
	b.Int64("deleted", m.docsDeleted.Get())
	b.Int64("inserted", m.docsInserted.Get())
	b.Int64("returned", m.docsReturned.Get())
	b.Int64("updated", m.docsUpdated.Get())
	b.Close()
	b.OpenDoc("operation")
	b.Int64("refusedByOverload", m.overloaded.Get())
	b.Int64("writeConflicts", m.writeConflicts.Get())
	b.Int64("readConflicts", m.readConflicts.Get())
	b.Close()
}

func appendOpCounters(c *Call) {
	b, m := c.Reply, &c.D.metrics
	b.Int64("insert", m.insert.Get())
	b.Int64("query", m.query.Get())
	b.Int64("update", m.update.Get())
	b.Int64("delete", m.remove.Get())
	b.Int64("getmore", m.getMore.Get())
	b.Int64("command", m.command.Get())
}

func appendRepl(c *Call) {
	b, me := c.Reply, c.D.advertised(c.Peer)
	c.D.topology.appendTo(b)
	b.OpenArray("hosts")
	b.String("0", me)
	b.Close()
	b.String("setName", c.D.Persona.SetName)
	b.Int32("setVersion", 1)
	b.Bool("isWritablePrimary", true)
	b.Bool("secondary", false)
	b.String("primary", me)
	b.String("me", me)
	b.ObjectID("electionId", c.D.Persona.Elected)
	c.D.appendLastWrite(b)
}

func appendEngine(c *Call) {
	c.Reply.String("name", "pebble")
	c.Reply.Bool("supportsCommittedReads", true)
	c.Reply.Bool("persistent", true)
}

func appendTransactions(c *Call) {
	b, n := c.Reply, c.D.Sessions.Counts()
	active := int64(0)
	for i := range c.D.Sessions.All() {
		if i.Txn != nil && i.Busy {
			active++
		}
	}
	b.Int64("retriedCommandsCount", n.RetriedCommands)
	b.Int64("retriedStatementsCount", n.RetriedStatements)
	b.Int64("transactionsCollectionWriteCount", n.RecordWrites)
	b.Int64("currentActive", active)
	b.Int64("currentInactive", max(n.Open-active, 0))
	b.Int64("currentOpen", n.Open)
	b.Int64("totalAborted", n.Aborted)
	b.Int64("totalCommitted", n.Committed)
	b.Int64("totalStarted", n.Started)
	b.Int64("totalPrepared", 0)
	b.Int64("totalPreparedThenCommitted", 0)
	b.Int64("totalPreparedThenAborted", 0)
	b.Int64("currentPrepared", 0)
	if last := c.D.lastCommitted.Load(); last != nil {
		b.OpenDoc("lastCommittedTransaction")
		b.Int64("operationCount", last.Inserted+last.Modified+last.Deleted)
		b.Int64("oplogOperationBytes", last.Bytes)
		b.Close()
	}
}
