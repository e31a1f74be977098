package command

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/session"
)

// The documents of currentOp: one for each operation, idle transaction, idle
// cursor and idle connection.

// wallClock is how currentOp writes a time.
const wallClock = "2006-01-02T15:04:05.000-07:00"

func wallTime(t time.Time) string { return t.UTC().Format(wallClock) }

// truncatedBytes is how much of a long command is shown to whoever asks for less.
const truncatedBytes = 1000

func (d *Dispatcher) currentOps(want wanted) []bsonx.Doc {
	open := map[session.ID]session.Info{}
	for i := range d.Sessions.All() {
		if i.Txn != nil {
			open[i.ID] = i
		}
	}
	waiting := d.waiting()
	l := opLister{d: d, want: want, now: d.Env.Now(), peers: d.peers.list()}
	busy := map[int64]bool{}
	d.ops.each(func(c *Call) {
		busy[c.Peer.ID] = true
		var txn *session.Status
		if i, ok := open[c.Gen.LSID]; ok && c.Gen.HasLSID && i.Number == c.Gen.TxnNumber {
			txn = i.Txn
		}
		l.operation(c, waiting[c.op.note()], txn)
	})
	if want.connections {
		for _, id := range slices.Sorted(maps.Keys(l.peers)) {
			if !busy[id] {
				l.connection(id)
			}
		}
	}
	if want.sessions {
		for _, i := range open {
			if !i.Busy {
				l.idleTransaction(i)
			}
		}
	}
	if want.cursors {
		for _, i := range d.Sessions.Cursors().Idle() {
			l.idleCursor(i)
		}
	}
	return l.docs
}

// waiting are the notes of the operations that wait for a document or a collection.
func (d *Dispatcher) waiting() map[string]bool {
	notes := map[string]bool{}
	if d.Waits != nil {
		for _, note := range d.Waits() {
			notes[note] = true
		}
	}
	for _, note := range d.db.Locks().Waiting() {
		notes[note] = true
	}
	return notes
}

// opLister builds the documents.
type opLister struct {
	d     *Dispatcher
	want  wanted
	now   time.Time
	peers map[int64]peerInfo
	docs  []bsonx.Doc
}

func (l *opLister) begin(kind string) *bsonx.Builder {
	b := bsonx.NewBuilder(nil)
	b.String("type", kind)
	b.String("host", l.d.Host.Hostname)
	return b
}

func (l *opLister) end(b *bsonx.Builder) { l.docs = append(l.docs, b.Doc()) }

// client writes who it is on a connection.
func (l *opLister) client(b *bsonx.Builder, id int64, remote, appName string) {
	b.String("desc", "conn"+strconv.FormatInt(id, 10))
	b.Int64("connectionId", id)
	b.String("client", remote)
	if appName != "" {
		b.String("appName", appName)
	}
	if m := l.peers[id].metadata; m != nil {
		b.EmbedDoc("clientMetadata", m)
	}
}

// operation is a running one.
func (l *opLister) operation(c *Call, waits bool, txn *session.Status) {
	b := l.begin("op")
	l.client(b, c.Peer.ID, c.Peer.Remote, c.op.appName)
	b.Bool("active", true)
	b.String("currentOpTime", wallTime(l.now))
	b.Bool("isFromUserConnection", true)
	b.Bool("threaded", true)
	b.Int64("opid", c.op.id)
	if c.Gen.HasLSID {
		b.EmbedDoc("lsid", c.Gen.LSID.Doc())
	}
	b.Int64("secs_running", int64(l.now.Sub(c.started).Seconds()))
	b.Int64("microsecs_running", l.now.Sub(c.started).Microseconds())
	b.String("op", opName(c.Spec.Name))
	b.String("ns", c.shownNS())
	b.Bool("redacted", false)
	l.command(b, c.Req.Body)
	b.Int32("numYields", 0)
	switch {
	case c.Gen.InTxn() && txn != nil:
		l.transaction(b, c.Gen.TxnNumber, txn)
	case c.Gen.Retryable():
		b.OpenDoc("transaction")
		b.OpenDoc("parameters")
		b.Int64("txnNumber", c.Gen.TxnNumber)
		b.Close()
		b.Close()
	}
	b.EmbedDoc("locks", bsonx.Empty)
	b.Bool("waitingForLock", waits)
	b.EmbedDoc("lockStats", bsonx.Empty)
	l.end(b)
}

func (l *opLister) command(b *bsonx.Builder, body bsonx.Doc) {
	text := ""
	if l.want.truncate && len(body) > truncatedBytes {
		text = bsonx.ShellString(bsonx.DocValue(body))
	}
	if len(text) <= truncatedBytes {
		b.EmbedDoc("command", body)
		return
	}
	b.OpenDoc("command")
	// A cut may leave half a letter, for which drivers refuse the whole reply.
	b.String("$truncated", strings.ToValidUTF8(text[:truncatedBytes], "\uFFFD")+"...")
	if comment := bsonx.Get(body, "comment"); comment.Type != bsonx.TypeMissing {
		b.Value("comment", comment)
	}
	b.Close()
}

// connection is one on which nothing runs.
func (l *opLister) connection(id int64) {
	b := l.begin("op")
	l.client(b, id, l.peers[id].remote, l.peers[id].appName)
	b.Bool("active", false)
	b.String("currentOpTime", wallTime(l.now))
	b.Bool("isFromUserConnection", true)
	b.Bool("threaded", true)
	l.end(b)
}

// idleTransaction is an open transaction in which nothing runs.
func (l *opLister) idleTransaction(i session.Info) {
	b := l.begin("idleSession")
	b.String("desc", "inactive transaction")
	b.String("client", i.Client.Remote)
	b.Int64("connectionId", i.Client.Conn)
	b.String("appName", i.Client.AppName)
	if i.Client.Metadata != nil {
		b.EmbedDoc("clientMetadata", i.Client.Metadata)
	}
	b.EmbedDoc("lsid", i.ID.Doc())
	l.transaction(b, i.Number, i.Txn)
	b.Bool("waitingForLock", false)
	b.Bool("active", false)
	b.EmbedDoc("locks", bsonx.Empty)
	b.EmbedDoc("lockStats", bsonx.Empty)
	l.end(b)
}

// transaction is the sub-document of an open transaction.
func (l *opLister) transaction(b *bsonx.Builder, n int64, t *session.Status) {
	b.OpenDoc("transaction")
	appendTxnParameters(b, n, t)
	b.Timestamp("readTimestamp", uint64(readTimestamp(t)))
	open := l.now.Sub(t.Started)
	b.String("startWallClockTime", wallTime(t.Started))
	b.Int64("timeOpenMicros", open.Microseconds())
	b.Int64("timeActiveMicros", t.Active.Microseconds())
	b.Int64("timeInactiveMicros", max(open.Microseconds()-t.Active.Microseconds(), 0))
	b.String("expiryTime", wallTime(t.Expires))
	b.Close()
}

func appendTxnParameters(b *bsonx.Builder, n int64, t *session.Status) {
	b.OpenDoc("parameters")
	b.Int64("txnNumber", n)
	b.Int32("txnRetryCounter", 0)
	b.Bool("autocommit", false)
	t.API.AppendTo(b)
	if t.Opened.Concern != nil {
		b.EmbedDoc("readConcern", t.Opened.Concern)
	}
	if t.Opened.Serializable { // the original, which has no such transactions, has no such field.
		b.String("transactionIsolation", param.Serializable)
	}
	b.Close()
}

// idleCursor is an open cursor that nobody reads from.
func (l *opLister) idleCursor(i session.CursorInfo) {
	b := l.begin("idleCursor")
	b.String("ns", i.Namespace)
	if i.LSID != nil {
		b.EmbedDoc("lsid", i.LSID.Doc())
	}
	b.OpenDoc("cursor")
	b.Int64("cursorId", i.ID)
	b.Date("createdDate", i.Created.UnixMilli())
	b.Date("lastAccessDate", i.LastUse.UnixMilli())
	b.Int64("nDocsReturned", i.Returned)
	b.Int64("nBatchesReturned", i.Batches)
	b.Bool("noCursorTimeout", i.NoTimeout)
	b.Bool("tailable", false)
	b.Bool("awaitData", false)
	if i.Origin != nil {
		b.EmbedDoc("originatingCommand", i.Origin)
	}
	b.Close()
	l.end(b)
}

// shownNS is the namespace that the command is about, as listings and the log show it.
func (c *Call) shownNS() string {
	switch {
	case c.Spec.Name == "getMore":
		return c.Gen.DB + "." + c.Args.Str("collection")
	case c.Arg.Type == bsonx.TypeString:
		return c.target()
	case c.Spec.Name == "aggregate":
		return c.Gen.DB + ".$cmd.aggregate"
	}
	return c.Gen.DB + ".$cmd"
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
