package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/pebblekv"
	"github.com/pandodb/pando/internal/mongoerr"
)

var ctx = context.Background()

// house is a manager over a store in memory, in a bubble of testing/synctest.
type house struct {
	t      *testing.T
	disk   *vfs.MemFS
	engine *pebblekv.Store
	db     *docstore.DB
	m      *Manager
	closed bool
}

const (
	testLifetime    = time.Minute
	testTimeout     = 30 * time.Minute
	testSessionsMax = 4
)

func inHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, vfs.NewCrashableMem())
		test(h)
	})
}

func openHouse(t *testing.T, disk *vfs.MemFS) *house {
	t.Helper()
	e := env.Seeded(1)
	engine, err := pebblekv.Open("db", pebblekv.Options{FS: disk, Env: e, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	db, err := docstore.Open(ctx, engine, e)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, disk: disk, engine: engine, db: db}
	h.m = NewManager(db, engine, e, Config{
		Lifetime: func() time.Duration { return testLifetime }, Timeout: testTimeout, SessionsMax: testSessionsMax,
	})
	t.Cleanup(h.close)
	return h
}

// close checks that nothing is left open and that the store is whole.
func (h *house) close() {
	if h.closed {
		return
	}
	h.closed = true
	if n := h.m.Counts().Open; n != 0 {
		h.t.Errorf("%d transactions are left open", n)
	}
	if n := h.m.Cursors().Open(); n != 0 {
		h.t.Errorf("%d cursors are left open", n)
	}
	if err := h.engine.LeakCheck(); err != nil {
		h.t.Error(err)
	}
	if err := h.db.Check(ctx, func(p string) { h.t.Errorf("check: %s", p) }); err != nil {
		h.t.Error(err)
	}
	if err := h.engine.Close(); err != nil {
		h.t.Error(err)
	}
}

// restart is a new process on what is durable.
func (h *house) restart() *house {
	h.t.Helper()
	if err := h.engine.WaitDurable(ctx, h.engine.Visible()); err != nil {
		h.t.Fatal(err)
	}
	disk := h.disk.CrashClone(vfs.CrashCloneCfg{})
	h.m.AbortAll(errors.New("restart"))
	h.close()
	return openHouse(h.t, disk)
}

func id(n byte) ID { return ID{UUID: [16]byte{n}, UID: NobodyUID} }

// with runs fn with the session checked out.
func (h *house) with(n byte, fn func(s *Session)) {
	h.t.Helper()
	s, err := h.m.CheckOut(ctx, id(n))
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.CheckIn()
	fn(s)
}

// begin opens a transaction and its snapshot.
func (h *house) begin(s *Session, n int64) *Txn {
	h.t.Helper()
	txn, err := s.Begin(n, API{}, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := s.Open(ctx, txn, kv.Options{}, Queueing{}); err != nil {
		h.t.Fatal(err)
	}
	return txn
}

// write is one group of a retryable write's statements.
func (h *house) write(s *Session, n int64, recs ...Record) {
	h.t.Helper()
	if err := s.BeginRetryable(ctx, n); err != nil {
		h.t.Fatal(err)
	}
	tx, err := h.db.Begin(ctx, kv.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer tx.Rollback()
	if err := s.Stage(ctx, tx, recs); err != nil {
		h.t.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		h.t.Fatal(err)
	}
	s.Keep(recs)
}

func wantCode(t *testing.T, err error, code mongoerr.Code) {
	t.Helper()
	if code == 0 {
		if err != nil {
			t.Errorf("got %v, want none", err)
		}
		return
	}
	if e, ok := errors.AsType[*mongoerr.Error](err); !ok || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// docs is a source of documents for cursors that counts how often it is closed.
type docs struct{ closed int }

func (d *docs) Next(context.Context) (bsonx.Doc, error) { return bsonx.Empty, nil }
func (d *docs) Close() error                            { d.closed++; return nil }
