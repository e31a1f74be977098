package command

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/session"
)

// What takes long is told in the log, one line each: operations ("Slow query") and
// transactions as a whole ("transaction"), with the ids and attributes of the
// original's lines, as far as they mean something here.
const (
	logSlowQuery   = 51803
	logTransaction = 51802
)

// defaultSlowMS is how long is long, if nothing else was said.
const defaultSlowMS = 100

// slowness is what counts as slow; the profile command sets it.
type slowness struct {
	ms   atomic.Int64
	rate atomic.Uint64 // the share of slow operations that is told: a float's bits.
}

func (s *slowness) set(ms int64, rate float64) {
	s.ms.Store(ms)
	s.rate.Store(math.Float64bits(rate))
}

func (s *slowness) sampleRate() float64 { return math.Float64frombits(s.rate.Load()) }

// tells decides whether something that took so long is told.
func (d *Dispatcher) tells(took time.Duration) bool {
	if took.Milliseconds() < d.slow.ms.Load() || !d.Log.Enabled(context.Background(), slog.LevelInfo) {
		return false
	}
	rate := d.slow.sampleRate()
	return rate >= 1 || d.Env.Float64() < rate
}

// logged is a document as the log shows it: JSON inside JSON, and as text elsewhere.
type logged bsonx.Doc

// MarshalJSON is relaxed extended JSON.
func (l logged) MarshalJSON() ([]byte, error) { return []byte(bsonx.ToJSON(bsonx.Doc(l))), nil }

// String is the same.
func (l logged) String() string { return bsonx.ToJSON(bsonx.Doc(l)) }

var _ json.Marshaler = logged(nil)

// logBytesMax is how much of a command is shown in the log.
const logBytesMax = 10 << 10

func loggedCommand(body bsonx.Doc) slog.Attr {
	if len(body) <= logBytesMax {
		return slog.Any("command", logged(body))
	}
	name, v := bsonx.First(body)
	return slog.String("command", fmt.Sprintf("{ %s: %s, ... } (%d bytes)", name, bsonx.ShellString(v), len(body)))
}

// logSlow tells of an operation that took long.
func (d *Dispatcher) logSlow(c *Call, told *mongoerr.Error, replyBytes int) {
	took := d.Env.Since(c.started)
	if !d.tells(took) || c.Spec == nil || c.Req.Exhaust {
		return // an exhausting hello waits by itself.
	}
	attrs := []slog.Attr{
		slog.String("type", "command"), slog.Bool("isFromUserConnection", true), slog.String("ns", c.shownNS()),
	}
	if c.Peer.AppName != "" {
		attrs = append(attrs, slog.String("appName", c.Peer.AppName))
	}
	attrs = append(attrs, loggedCommand(c.Req.Body))
	if c.plan != nil {
		attrs = append(attrs, slog.String("planSummary", plan.Summary(c.plan)))
	}
	attrs = append(attrs, spentAttrs(c.spent)...)
	attrs = append(attrs, slog.Int("numYields", 0))
	if told != nil {
		attrs = append(attrs, slog.Int("ok", 0), slog.String("errMsg", told.Msg),
			slog.String("errName", told.Code.String()), slog.Int("errCode", int(told.Code)))
	}
	attrs = append(attrs, slog.Int("reslen", replyBytes))
	if !c.Gen.InTxn() {
		attrs = append(attrs, slog.Any("readConcern", logged(c.ReadConcern.shown())))
	}
	if c.Spec.Write && c.ran() && (!c.Gen.InTxn() || c.Spec.Txn == Ends) {
		b := bsonx.NewBuilder(nil)
		c.WriteConcern.appendTo(b)
		attrs = append(attrs, slog.Any("writeConcern", logged(b.Doc())))
	}
	if c.durableWait > 0 {
		attrs = append(attrs, slog.Int64("waitForWriteConcernDurationMillis", c.durableWait.Milliseconds()))
	}
	attrs = append(attrs, slog.String("remote", c.Peer.Remote), slog.String("protocol", "op_msg"),
		slog.Int64("workingMillis", (took-c.durableWait).Milliseconds()), slog.Int64("durationMillis", took.Milliseconds()))
	d.log(logLine{slog.LevelInfo, "Slow query", "COMMAND", logSlowQuery, c.Peer.ID}, attrs...)
}

// logLine is what a line of the log has beside its attributes, as the original's have.
type logLine struct {
	level     slog.Level
	msg       string
	component string
	id        int
	conn      int64
}

func (d *Dispatcher) log(l logLine, attrs ...slog.Attr) {
	d.Log.LogAttrs(context.Background(), l.level, l.msg,
		slog.String("c", l.component), slog.Int("id", l.id), slog.String("ctx", "conn"+strconv.FormatInt(l.conn, 10)),
		slog.Attr{Key: "attr", Value: slog.GroupValue(attrs...)})
}

// spentAttrs are the counters that are not zero.
func spentAttrs(s session.Spent) (attrs []slog.Attr) {
	for _, f := range []struct {
		name string
		n    int64
	}{
		{"keysExamined", s.KeysExamined}, {"docsExamined", s.DocsExamined}, {"nBatches", s.Batches}, {"nreturned", s.Returned},
		{"ninserted", s.Inserted}, {"nModified", s.Modified}, {"ndeleted", s.Deleted}, {"writeConflicts", s.Conflicts},
	} {
		if f.n != 0 {
			attrs = append(attrs, slog.Int64(f.name, f.n))
		}
	}
	return attrs
}

// readTimestamp is the time of a snapshot that its client has asked for; of the
// others the original has none.
func readTimestamp(t *session.Status) kv.Time {
	if t.Opened.Level != levelSnapshot {
		return 0
	}
	return t.Opened.ReadTime
}

// TxnEnded tells of a transaction that is over, if it took long.
func (d *Dispatcher) TxnEnded(i session.Info, committed bool) {
	t := i.Txn
	took := d.Env.Since(t.Started)
	if committed {
		d.lastCommitted.Store(&t.Spent)
	}
	if !d.tells(took) {
		return
	}
	cause := "aborted"
	if committed {
		cause = "committed"
	}
	b := bsonx.NewBuilder(nil)
	b.EmbedDoc("lsid", i.ID.Doc())
	p := bsonx.NewBuilder(nil)
	appendTxnParameters(p, i.Number, t)
	b.Fields(bsonx.AsDoc(bsonx.Get(p.Doc(), "parameters")))
	at := readTimestamp(t)
	attrs := []slog.Attr{
		slog.Any("parameters", logged(b.Doc())),
		slog.String("readTimestamp", fmt.Sprintf("Timestamp(%d, %d)", at.Seconds(), at.Inc())),
	}
	attrs = append(attrs, spentAttrs(t.Spent)...)
	attrs = append(attrs, slog.Int64("statements", t.Spent.Statements), slog.Int64("bytesWritten", t.Spent.Bytes),
		slog.String("terminationCause", cause),
		slog.Int64("timeActiveMicros", t.Active.Microseconds()), slog.Int64("timeInactiveMicros", max(took.Microseconds()-t.Active.Microseconds(), 0)),
		slog.Int("numYields", 0), slog.Bool("wasPrepared", false), slog.Int64("durationMillis", took.Milliseconds()))
	d.log(logLine{slog.LevelInfo, "transaction", "TXN", logTransaction, i.Client.Conn}, attrs...)
}
