package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Workload is a kind of data, and what is done with it.
type Workload interface {
	// prepare makes what must be there before the first transaction. It is called
	// again if its connection was lost.
	prepare(ctx context.Context, db *mongo.Database) error

	// statement runs a random statement, inside a transaction.
	statement(ctx context.Context, a *attempt) error

	// write changes one random document, and read reads one, outside of any.
	write(ctx context.Context, a *attempt) error
	read(ctx context.Context, a *attempt) error

	// readAll reads everything there is, in one statement.
	readAll(ctx context.Context, a *attempt) error
}

// churner is a workload that changes the catalog under the transactions' feet.
type churner interface {
	// churn makes one change, in whatever state the last one has left things.
	churn(ctx context.Context, db *mongo.Database) error
}

// Load is concurrent clients at work on one database, each with one session. What
// they do follows from the seed, as far as concurrency permits.
type Load struct {
	URI      string
	Database string
	Seed     uint64
	Clients  int
	Attempts int   // transactions of each client.
	Level    Level // of transactions; empty is Snapshot.
	Mixed    bool  // every other one is a Snapshot all the same.
	Churn    bool  // one more client changes the catalog, if the workload knows how.
}

// Run runs the load to its end and reads everything once more. The error is for
// what should not happen to a client whatever the server suffers.
func (l Load) Run(ctx context.Context, w Workload, rec *Recorder) error {
	first, err := l.connect()
	if err != nil {
		return err
	}
	defer first.Disconnect(context.WithoutCancel(ctx))
	for {
		err := w.prepare(ctx, first.Database(l.Database))
		if err == nil {
			break
		}
		if ctx.Err() != nil || !lostConnection(err) {
			return fmt.Errorf("prepare %s: %w", l.Database, err)
		}
	}
	var values atomic.Int64
	errs := make([]error, l.Clients)
	var wg sync.WaitGroup
	for i := range l.Clients {
		wg.Go(func() { errs[i] = l.client(ctx, i, w, rec, &values) })
	}
	churning, settle := context.WithCancel(ctx)
	defer settle()
	churned := make(chan error, 1)
	go func() { churned <- l.churn(churning, first, w) }()
	wg.Wait()
	settle()
	if err := errors.Join(append(errs, <-churned)...); err != nil {
		return err
	}
	return l.lastLook(ctx, first, w, rec, &values)
}

// churn changes the catalog again and again until ctx ends.
func (l Load) churn(ctx context.Context, conn *mongo.Client, w Workload) error {
	c, ok := w.(churner)
	if !ok || !l.Churn {
		return nil
	}
	for ctx.Err() == nil {
		if err := c.churn(ctx, conn.Database(l.Database)); err != nil && ctx.Err() == nil && !lostConnection(err) {
			return fmt.Errorf("churn: %w", err)
		}
	}
	return nil
}

func (l Load) connect() (*mongo.Client, error) {
	return mongo.Connect(options.Client().ApplyURI(l.URI).SetHeartbeatInterval(500 * time.Millisecond).SetServerSelectionTimeout(startWait))
}

// client is one of them.
type client struct {
	load    Load
	session *mongo.Session
	db      *mongo.Database
	w       Workload
	rec     *Recorder
	rng     *rand.Rand
	number  int
	values  *atomic.Int64
}

// attempt is a transaction under way, or a statement outside of any.
type attempt struct {
	*client
	txn Txn
}

// next is a value that nobody has written.
func (c *client) next() int64 { return c.values.Add(1) }

// oneIn is true once in n times.
func (c *client) oneIn(n int) bool { return c.rng.IntN(n) == 0 }

func (l Load) client(ctx context.Context, number int, w Workload, rec *Recorder, values *atomic.Int64) error {
	// A client of its own: a connection that ends disturbs nobody else.
	conn, err := l.connect()
	if err != nil {
		return err
	}
	defer conn.Disconnect(context.WithoutCancel(ctx))
	c := &client{
		load: l, w: w, rec: rec, number: number, values: values, db: conn.Database(l.Database),
		rng: rand.New(rand.NewPCG(l.Seed, uint64(number))),
	}
	if c.session, err = conn.StartSession(options.Session().SetCausalConsistency(false)); err != nil {
		return err
	}
	defer c.session.EndSession(context.WithoutCancel(ctx))
	for range l.Attempts {
		if ctx.Err() != nil {
			return nil
		}
		switch roll := c.rng.IntN(10); {
		case roll < 7:
			err = c.transaction(ctx)
		case roll < 9:
			err = c.alone(ctx)
		default:
			err = c.look(ctx)
		}
		if err != nil {
			return fmt.Errorf("client %d: %w", number, err)
		}
	}
	return nil
}

// transaction runs one attempt at a transaction.
func (c *client) transaction(ctx context.Context) error {
	level := c.load.Level
	if c.load.Mixed && c.oneIn(2) {
		level = Snapshot
	}
	a := &attempt{client: c, txn: Txn{Session: c.number, Level: level, Begin: c.rec.Now()}}
	opts := options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())
	if level == Serializable {
		opts.SetReadConcern(&readconcern.ReadConcern{Level: string(Serializable)})
	}
	if err := c.session.StartTransaction(opts); err != nil {
		return err
	}
	inside := mongo.NewSessionContext(ctx, c.session)
	for range 1 + c.rng.IntN(4) {
		if err := c.w.statement(inside, a); err != nil {
			return c.abort(inside, a, err)
		}
		if a.txn.First == 0 {
			a.txn.First = c.rec.Now()
		}
	}
	if c.oneIn(10) {
		return c.abort(inside, a, nil)
	}
	return c.commit(inside, a)
}

// abort ends an attempt that wrote nothing, because of why. The abort itself may
// fail: then the server's transaction ends with the session's next.
func (c *client) abort(inside context.Context, a *attempt, why error) error {
	_ = c.session.AbortTransaction(inside)
	a.txn.Outcome = Aborted
	c.rec.Add(a.txn)
	if hasLabel(why, "TransientTransactionError") || lostConnection(why) {
		return nil
	}
	return why
}

// commit commits, again and again while the outcome is unknown.
func (c *client) commit(inside context.Context, a *attempt) error {
	a.txn.Commit = c.rec.Now()
	for {
		err := c.session.CommitTransaction(inside)
		switch {
		case err == nil:
			a.txn.Outcome, a.txn.End = Committed, c.rec.Now()
		case refused(err):
			a.txn.Outcome, err = Aborted, nil
		case (hasLabel(err, "UnknownTransactionCommitResult") || lostConnection(err)) && inside.Err() == nil:
			continue
		default:
			a.txn.Outcome = Unknown
		}
		c.rec.Add(a.txn)
		return err
	}
}

// alone writes to one document outside any transaction. The driver tries once
// more by itself; if that fails too, nobody knows.
func (c *client) alone(ctx context.Context) error {
	a := &attempt{client: c, txn: Txn{Session: c.number, Level: Serializable, Begin: c.rec.Now()}}
	a.txn.Commit = a.txn.Begin
	err := c.w.write(mongo.NewSessionContext(ctx, c.session), a)
	a.txn.Outcome = Unknown
	if err == nil {
		a.txn.First = c.rec.Now()
		a.txn.Outcome, a.txn.End = Committed, a.txn.First
	}
	c.rec.Add(a.txn)
	if lostConnection(err) {
		return nil
	}
	return err
}

// look reads outside any transaction: a document at majority, or all at snapshot.
func (c *client) look(ctx context.Context) error {
	a := &attempt{client: c, txn: Txn{Session: c.number, Level: Serializable, Begin: c.rec.Now()}}
	var err error
	if c.oneIn(2) {
		err = c.w.read(ctx, a)
	} else {
		err = c.lookAtAll(ctx, a)
	}
	if err != nil {
		if lostConnection(err) {
			return nil
		}
		return err
	}
	a.txn.First = c.rec.Now()
	a.txn.Outcome, a.txn.End = Committed, a.txn.First
	c.rec.Add(a.txn)
	return nil
}

func (c *client) lookAtAll(ctx context.Context, a *attempt) error {
	s, err := c.db.Client().StartSession(options.Session().SetSnapshot(true))
	if err != nil {
		return err
	}
	defer s.EndSession(context.WithoutCancel(ctx))
	return c.w.readAll(mongo.NewSessionContext(ctx, s), a)
}

// lastLook reads everything in a transaction that begins after all others.
func (l Load) lastLook(ctx context.Context, conn *mongo.Client, w Workload, rec *Recorder, values *atomic.Int64) error {
	s, err := conn.StartSession()
	if err != nil {
		return err
	}
	defer s.EndSession(context.WithoutCancel(ctx))
	c := &client{
		load: l, w: w, rec: rec, session: s, db: conn.Database(l.Database), values: values,
		number: l.Clients, rng: rand.New(rand.NewPCG(l.Seed, uint64(l.Clients))),
	}
	a := &attempt{client: c}
	_, err = s.WithTransaction(ctx, func(inside context.Context) (any, error) {
		a.txn = Txn{Session: c.number, Begin: rec.Now(), Outcome: Committed}
		err := w.readAll(inside, a)
		a.txn.First = rec.Now()
		return nil, err
	}, options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		return fmt.Errorf("the last look: %w", err)
	}
	a.txn.End = rec.Now()
	rec.Add(a.txn)
	return nil
}

func hasLabel(err error, label string) bool {
	labeled, ok := errors.AsType[mongo.LabeledError](err)
	return ok && labeled.HasErrorLabel(label)
}

// refused tells whether the server itself says that a transaction has not committed.
// The label alone does not: the driver puts it on connections that it gave up, also
// when it was a commit that it tried for the second time.
func refused(err error) bool {
	e, ok := errors.AsType[mongo.CommandError](err)
	return ok && e.Code != 0 && hasLabel(err, "TransientTransactionError")
}

// lostConnection tells whether err says no more than that a server was not reached,
// or did not answer.
func lostConnection(err error) bool {
	return err != nil && (mongo.IsNetworkError(err) || hasLabel(err, "RetryableWriteError") ||
		strings.Contains(err.Error(), "server selection error") || strings.Contains(err.Error(), "connection pool") ||
		strings.Contains(err.Error(), "connection() error"))
}

// fetch reads documents in one of several ways: small batches, an aggregate, one by one.
func fetch[T any](ctx context.Context, a *attempt, coll *mongo.Collection, filter bson.D) (docs []T, err error) {
	var cursor *mongo.Cursor
	switch a.rng.IntN(3) {
	case 0:
		cursor, err = coll.Find(ctx, filter, options.Find().SetBatchSize(2))
	case 1:
		cursor, err = coll.Find(ctx, filter)
	default:
		cursor, err = coll.Aggregate(ctx, mongo.Pipeline{{{Key: "$match", Value: filter}}})
	}
	if err != nil {
		return nil, err
	}
	return docs, cursor.All(ctx, &docs)
}
