package command

import (
	"context"
	"errors"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/session"
)

// Peer is what commands know of the connection that they came by. One request
// of a connection runs at a time.
type Peer struct {
	ID          int64
	Remote      string
	Local       string // the address that the client connected to.
	AppName     string
	Metadata    bsonx.Doc // the client document of its hello; nil before.
	HelloOK     bool
	Compressors []string // what was agreed in its hello.

	// Wrote tells that a write concern, or a linearizable read, was waited for on
	// the connection: from then on its newest write is known.
	Wrote bool

	uuid [16]byte // what connectionStatus calls the connection, once it was asked.
}

// Request is one message of a client.
type Request struct {
	Body      bsonx.Doc
	Sequences []Sequence
	NoReply   bool // the client does not wait for a reply (moreToCome).
	Exhaust   bool // the client takes a stream of replies (exhaustAllowed).
}

// Result is what goes back.
type Result struct {
	Reply  []byte // dst with the reply's document appended; nil for none.
	Close  bool   // close the connection; without a reply if Reply is nil.
	More   bool   // run the request again for the next reply of a stream.
	Waited bool   // the reply waited for the log.
}

// Call is one command on its way through: what was asked, what it runs in, and what
// has come of it so far.
type Call struct {
	D    *Dispatcher
	Peer *Peer
	Req  Request
	Spec *Spec  // nil while the command is not known.
	Name string // as the client spelled it.
	Gen  Generic
	Args Args
	Arg  bsonx.Value // the value of the command's own field.

	ReadConcern  ReadConcern
	WriteConcern WriteConcern
	Session      *session.Session // checked out, or nil.
	Txn          *session.Txn     // the open transaction that this is a statement of, or nil.

	Reply *bsonx.Builder // the handler appends its fields here.

	op         op
	ctx        context.Context // that it runs in, for expressions: they are handed none.
	started    time.Time
	known      bool // Peer.Wrote, before this command.
	more       bool // a stream of replies goes on.
	statements statements
	validation validation
	stamps     uint64 // how many timestamps were given out.
	forced     forced
	effects
	account
}

// statements are those of a write command, as Spec.Check has decoded them for Run.
type statements struct {
	n    int
	docs []bsonx.Doc // of an insert or bulkWrite.
	args []Args      // of an update or delete.
	bulk *bulk
}

// forced is what fail points have decided.
type forced struct {
	labels    []mongoerr.Label
	labelsSet bool // labels are the reply's, and no others.
	hangUp    bool // the connection is dropped after the command ran.
}

// effects are what the command has done and its reply tells of. They decide what
// the reply waits for, and which labels an error has.
type effects struct {
	entered  bool               // Spec.Run was reached.
	wrote    bool               // it committed something.
	failed   bool               // an entry of writeErrors: ends a transaction as an error does.
	doubt    bool               // what it wrote may have been committed or not.
	shows    bool               // the reply is the first to show a snapshot to a reader of what is durable.
	depends  kv.Time            // the newest commit that the reply tells something of.
	settings *catalog.Namespace // a collection of the server's own that it may have changed, or nil.
}

// account is what the log and the sums of a transaction tell of the command.
type account struct {
	spent       session.Spent
	plan        plan.Node       // of the last query that was looked at.
	told        *mongoerr.Error // the error of the reply, nil for success.
	durableWait time.Duration   // how long the reply waited for the log.
}

// InTxn tells whether the command is a statement of a transaction.
func (c *Call) InTxn() bool { return c.Txn != nil }

// Dependent notes that the reply tells something of the commit at t.
func (c *Call) Dependent(t kv.Time) { c.depends = max(c.depends, t) }

// Namespace is the collection that the command's own field names, checked, in
// bytes of its own: cursors and transactions outlive the request's.
func (c *Call) Namespace() (catalog.Namespace, error) {
	if err := checkCollection(c); err != nil {
		return catalog.Namespace{}, err
	}
	full, at := c.target(), len(c.Gen.DB)
	ns := catalog.Namespace{DB: full[:at], Coll: full[at+1:]}
	return ns, ns.Validate()
}

// Read runs fn with a transaction to read in: the session's own, or one that
// ends with fn.
func (c *Call) Read(ctx context.Context, fn func(tx *docstore.Tx) error) error {
	return c.ReadKeeping(ctx, func(tx *docstore.Tx, _ *bool) error { return fn(tx) })
}

// ReadKeeping is Read for what makes a cursor: one that must outlive fn takes the
// transaction over by setting *keep.
func (c *Call) ReadKeeping(ctx context.Context, fn func(tx *docstore.Tx, keep *bool) error) error {
	keep := false
	if c.Txn != nil {
		return fn(c.Txn.Tx, &keep)
	}
	// A reader claims nothing, so nobody asks for its name.
	tx, err := c.D.db.Begin(ctx, kv.Options{At: c.ReadConcern.At, Hold: c.ReadConcern.Level == levelSnapshot})
	if err != nil {
		return err
	}
	defer func() {
		if !keep {
			tx.Rollback()
		}
	}()
	c.Dependent(tx.KV.ReadTime())
	return fn(tx, &keep)
}

// readFrom is Read of a collection or view, nil if there is none of that name.
func (c *Call) readFrom(ctx context.Context, ns catalog.Namespace, fn func(tx *docstore.Tx, coll *catalog.Collection) error) error {
	return c.Read(ctx, func(tx *docstore.Tx) error {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil {
			return err
		}
		return fn(tx, coll)
	})
}

// lookup returns the collection or view as the last commit left it, or nil.
func (c *Call) lookup(ctx context.Context, ns catalog.Namespace) (coll *catalog.Collection, err error) {
	err = c.readFrom(ctx, ns, func(_ *docstore.Tx, found *catalog.Collection) error {
		coll = found
		return nil
	})
	return coll, err
}

// Write runs fn in a kv transaction of its own until it commits, and returns the
// commit's time. It waits for documents that others hold (STORAGE section 3): fn
// runs again on a newer snapshot with its claims kept, so it must do nothing
// that its transaction does not undo. Inside a transaction fn runs once, in it.
func (c *Call) Write(ctx context.Context, fn func(tx *docstore.Tx) error) error {
	if c.Txn != nil {
		return fn(c.Txn.Tx)
	}
	born := c.started
	for {
		tx, err := c.D.db.Begin(ctx, kv.Options{Born: born, Note: c.op.note()})
		if err != nil {
			return err
		}
		tx.Wait, tx.WaitersMax = true, int(c.D.Params.WriteConflictWaitersMax.Get())
		again, err := c.attempt(ctx, tx, fn)
		if !again {
			return err
		}
		c.conflicted()
	}
}

// once runs fn in one kv transaction that waits for nobody: whoever is in the
// way is a *kv.Conflict.
func (c *Call) once(ctx context.Context, fn func(tx *docstore.Tx) error) error {
	tx, err := c.D.db.Begin(ctx, kv.Options{Born: c.started, Note: c.op.note()})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return c.commit(ctx, tx)
}

// commit commits a transaction of the command's own. The commit is the engine's
// once it is asked for: a client that goes away leaves no doubt behind.
func (c *Call) commit(ctx context.Context, tx *docstore.Tx) error {
	wrote := tx.KV.Size() > 0
	at, err := tx.Commit(context.WithoutCancel(ctx))
	if c.Session != nil && errors.Is(err, kv.ErrOutcomeUnknown) {
		c.Session.Doubt() // a record may have been written with the effect.
	}
	if err != nil {
		return err
	}
	c.wrote = c.wrote || wrote
	c.Dependent(at)
	return nil
}

// attempt is one kv transaction of Write, refreshed as often as it takes; again
// asks for a new one.
func (c *Call) attempt(ctx context.Context, tx *docstore.Tx, fn func(tx *docstore.Tx) error) (again bool, err error) {
	defer tx.Rollback()
	for {
		err = fn(tx)
		conflict, ok := errors.AsType[*kv.Conflict](err)
		if !ok {
			break
		}
		if conflict.Waiters > 0 {
			c.conflicted()
			return false, err
		}
		if conflict.Deadlock || !conflict.Claimed {
			return true, context.Cause(ctx)
		}
		c.conflicted()
		if err := tx.Refresh(ctx); err != nil {
			return false, err
		}
	}
	if err != nil {
		c.Dependent(tx.KV.ReadTime())
		return false, err
	}
	err = c.commit(ctx, tx)
	if _, ok := errors.AsType[*kv.Conflict](err); ok {
		return true, context.Cause(ctx)
	}
	return false, err
}

// target is the namespace that the command's own field names, for filters.
func (c *Call) target() string {
	if c.Arg.Type != bsonx.TypeString {
		return c.Gen.DB
	}
	return c.Gen.DB + "." + bsonx.Str(c.Arg)
}
