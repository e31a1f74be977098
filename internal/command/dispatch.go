package command

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/session"
)

// Config is what a dispatcher is made of.
type Config struct {
	Store      kv.Store
	DB         *docstore.DB
	Sessions   *session.Manager
	Params     *param.Set
	FailPoints *failpoint.Registry
	Env        *env.Env
	Log        *slog.Logger
	Persona    Persona
	Host       HostInfo
	LogTail    func() []string // the last lines of the log, for getLog; may be nil.
	Stats      func() Connections
	Waits      func() []string // the notes of the transactions that wait for a claim.

	// Slow is how long an operation or a transaction may take without a line in the
	// log, and SlowRate the share of the longer ones that get theirs, from 0 to 1;
	// nil is the default, 100 ms and all.
	Slow     *time.Duration
	SlowRate *float64
}

// Persona is what the server presents itself as.
type Persona struct {
	SetName   string
	Advertise string // "host:port", or "" for whatever address the client connected to.
	ProcessID [12]byte
	Elected   [12]byte // the electionId.
	Started   time.Time
	ArgV      []string
	Parsed    bsonx.Doc // the options, for getCmdLineOpts.
	DBPath    string
	Version   string // Pando's own.
	GitCommit string
}

// Connections are the listener's counts.
type Connections struct {
	Current, Available, TotalCreated, Active int64
}

// Dispatcher runs commands. It is safe for concurrent use.
type Dispatcher struct {
	Config
	db       *docstore.DB
	table    *table
	ops      ops
	peers    peers
	metrics  counters
	stopping atomic.Bool
	builders sync.Pool
	dice     func() float64 // Env.Float64, made once.
	topology *topology

	reloading  sync.Mutex // held while stored settings are read and published: the last reader is the newest.
	rwDefaults atomic.Pointer[rwDefaults]

	slow          slowness
	lastCommitted atomic.Pointer[session.Spent] // of the newest commit of a transaction.
}

// New returns a dispatcher of every command.
func New(c Config) *Dispatcher {
	d := &Dispatcher{Config: c, db: c.DB, table: newTable(commands()...), dice: c.Env.Float64}
	d.topology = newTopology(c.Persona.ProcessID)
	ms, rate := int64(defaultSlowMS), 1.0
	if c.Slow != nil {
		ms = c.Slow.Milliseconds()
	}
	if c.SlowRate != nil {
		rate = *c.SlowRate
	}
	d.slow.set(ms, rate)
	return d
}

// Stop has waiting hellos answer and new commands fail with ShutdownInProgress.
func (d *Dispatcher) Stop() {
	d.stopping.Store(true)
	d.topology.bump()
}

// Run takes one request from its bytes to its reply, which is appended to dst.
func (d *Dispatcher) Run(ctx context.Context, peer *Peer, req Request, dst []byte) Result {
	b, _ := d.builders.Get().(*bsonx.Builder)
	if b == nil {
		b = &bsonx.Builder{}
	}
	defer d.builders.Put(b)
	b.Reset(dst)
	c := &Call{D: d, Peer: peer, Req: req, Reply: b, started: d.Env.Now(), known: peer.Wrote}
	res := d.serve(ctx, c)
	d.note(c)
	return res
}

// serve runs the command and finishes its reply. What ends the command early, its
// time, a kill or its client's going away, ends the waiting for durability too.
func (d *Dispatcher) serve(ctx context.Context, c *Call) Result {
	if err := d.parse(c); err != nil {
		return d.finish(ctx, c, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.ops.begin(c, cancel)
	defer d.ops.end(c)
	err := d.admit(ctx, c)
	if err == nil {
		err = d.failCommand(ctx, c)
	}
	if c.Gen.MaxTimeMS > 0 {
		// Only now: as in the original, the deadline does not end a fail point's wait.
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, c.started.Add(time.Duration(c.Gen.MaxTimeMS)*time.Millisecond),
			mongoerr.New(mongoerr.MaxTimeMSExpired, "operation exceeded time limit"))
		defer stop()
	}
	c.ctx = ctx
	if err == nil && ctx.Err() != nil {
		err = interrupted(ctx, ctx.Err()) // before its transaction is touched.
	}
	if err == nil {
		err = d.run(ctx, c)
	}
	res := d.finish(ctx, c, err)
	d.logSlow(c, c.told, len(res.Reply))
	return res
}

// parse finds the command and its fields.
func (d *Dispatcher) parse(c *Call) (err error) {
	c.Name, c.Arg = bsonx.First(c.Req.Body)
	c.Spec = d.table.byName[c.Name]
	if c.Spec == nil {
		c.Spec = laterSpec(c.Name)
	}
	if c.Spec == nil || c.Spec.Test && !d.Params.EnableTestCommands.Get() {
		c.Spec = nil
		return mongoerr.Newf(mongoerr.CommandNotFound, "no such command: '%s'", c.Name)
	}
	c.Gen, c.Args, err = c.Spec.parse(c.Req.Body, c.Req.Sequences)
	return err
}

// run is the command itself; an error is its failure.
func (d *Dispatcher) run(ctx context.Context, c *Call) error {
	if err := d.admitLate(ctx, c); err != nil {
		return err
	}
	return interrupted(ctx, d.dispatch(ctx, c))
}

// dispatch runs an admitted command, in its session if it has a number.
func (d *Dispatcher) dispatch(ctx context.Context, c *Call) error {
	if c.Gen.ClusterTime != nil {
		if err := d.gossip(ctx, c.Gen.ClusterTime); err != nil {
			return err
		}
	}
	if c.Gen.HasTxn && c.Spec.Txn != Beside {
		return d.inSession(ctx, c)
	}
	if c.Gen.HasLSID {
		if err := d.Sessions.Touch(c.Gen.LSID); err != nil {
			return err
		}
	}
	if err := d.waitReadConcern(c); err != nil {
		return err
	}
	c.entered = true
	return c.run(ctx)
}

// waitReadConcern makes the node reach the time that a reader has seen (6.2), and
// refuses times that it cannot have seen.
func (d *Dispatcher) waitReadConcern(c *Call) error {
	if op := c.ReadConcern.op; op != nil {
		switch {
		case c.ReadConcern.Level == levelLinearizable:
			return mongoerr.New(mongoerr.FailedToParse, "afterOpTime not compatible with linearizable read concern")
		case !op.passed(d.Store.Visible()):
			return mongoerr.NotYet("a readConcern.afterOpTime that is still to come")
		}
	}
	name, t := "afterClusterTime", c.ReadConcern.After
	if c.ReadConcern.At != 0 { // never both.
		name, t = "atClusterTime", c.ReadConcern.At
	}
	if t == 0 {
		return nil
	}
	if now := d.Store.Visible(); t > now {
		return mongoerr.Newf(mongoerr.InvalidOptions,
			"readConcern %s value must not be greater than the current clusterTime. Requested clusterTime: { ts: Timestamp(%d, %d) }; current clusterTime: { ts: Timestamp(%d, %d) }",
			name, t.Seconds(), t.Inc(), now.Seconds(), now.Inc())
	}
	return nil
}

// interrupted gives an error its real cause: what ended the context.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		cause := context.Cause(ctx)
		if _, ok := errors.AsType[*mongoerr.Error](cause); ok {
			return cause
		}
		if errors.Is(cause, context.DeadlineExceeded) {
			return mongoerr.New(mongoerr.MaxTimeMSExpired, "operation exceeded time limit").Because(err)
		}
		return mongoerr.New(mongoerr.ClientDisconnect, "operation was interrupted because the client disconnected").Because(err)
	}
	return err
}

// interrupted is why the command has to end, if it has.
func (c *Call) interrupted() error {
	if c.ctx == nil || c.ctx.Err() == nil {
		return nil
	}
	return interrupted(c.ctx, c.ctx.Err())
}

// gossip takes a client's cluster time (6.4).
func (d *Dispatcher) gossip(ctx context.Context, doc bsonx.Doc) error {
	t := kv.Time(bsonx.AsInt64(bsonx.Get(doc, "clusterTime")))
	if t <= d.Store.Visible() {
		return nil
	}
	err := d.Store.Advance(ctx, t)
	if errors.Is(err, kv.ErrClockDrift) {
		return mongoerr.Newf(mongoerr.ClusterTimeFailsRateLimiter,
			"New $clusterTime, %d, is too far from this node's wall clock time, %d.", t.Seconds(), d.Env.Now().Unix())
	}
	return err
}
