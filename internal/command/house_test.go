package command_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/pebblekv"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/session"
)

// house is a server without a network: a dispatcher over a store in memory. It
// lives in a bubble of testing/synctest, so that its timers cost nothing and "the
// command waits" is known and not guessed.
type house struct {
	t        *testing.T
	disk     *vfs.MemFS
	engine   *pebblekv.Store
	db       *docstore.DB
	sessions *session.Manager
	d        *command.Dispatcher
	params   *param.Set
	points   *failpoint.Registry
	peers    atomic.Int64
	closed   bool
}

// inHouse runs a test in a house of its own, and checks the house on the way out.
func inHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	inHouseOver(t, nil, test)
}

// inHouseOver puts a store of the test's own between the layers and the engine.
func inHouseOver(t *testing.T, over func(kv.Store) kv.Store, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, vfs.NewCrashableMem(), over)
		t.Cleanup(h.close)
		test(h)
	})
}

func openHouse(t *testing.T, disk *vfs.MemFS, over func(kv.Store) kv.Store) *house {
	t.Helper()
	// Only what somebody waits for is synced.
	h := openHouseOn(t, "db", pebblekv.Options{FS: disk, SyncDelayMax: 24 * time.Hour, MemTableBytes: 1 << 20}, over)
	h.disk = disk
	return h
}

// openHouseOn opens a house on a store of any kind.
func openHouseOn(t *testing.T, dir string, o pebblekv.Options, over func(kv.Store) kv.Store) *house {
	t.Helper()
	ctx, e := context.Background(), env.Seeded(1)
	o.Env = e
	engine, err := pebblekv.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	var store kv.Store = engine
	if over != nil {
		store = over(engine)
	}
	db, err := docstore.Open(ctx, store, e)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, engine: engine, db: db, params: param.New(), points: failpoint.New(e)}
	// Long enough for whatever happens while somebody waits.
	if err := h.params.SetStartup("writeConflictWaitMillis", "10000"); err != nil {
		t.Fatal(err)
	}
	h.sessions = session.NewManager(db, store, e, session.Config{
		Lifetime: func() time.Duration {
			return time.Duration(h.params.TransactionLifetimeLimitSeconds.Get()) * time.Second
		},
		Timeout: 30 * time.Minute, SessionsMax: 1000, RecordLife: 30 * time.Minute,
		Ended: func(i session.Info, committed bool) { h.d.TxnEnded(i, committed) },
	})
	h.d = command.New(command.Config{
		Store: store, DB: db, Sessions: h.sessions, Params: h.params, FailPoints: h.points, Env: e,
		Log: slog.New(slog.DiscardHandler), Waits: h.waiting,
	})
	return h
}

func (h *house) waiting() []string {
	var notes []string
	for _, w := range h.engine.Waits() {
		notes = append(notes, w.Waiter)
	}
	return notes
}

// close checks the house: nothing is left open, and the store is whole.
func (h *house) close() {
	if h.closed {
		return
	}
	h.closed = true
	if n := h.sessions.Counts().Open; n != 0 {
		h.t.Errorf("%d transactions are left open", n)
	}
	if n := h.sessions.Cursors().Open(); n != 0 {
		h.t.Errorf("%d cursors are left open", n)
	}
	if n := h.db.Locks().Held(); n != 0 {
		h.t.Errorf("%d collections are left locked", n)
	}
	if err := h.engine.LeakCheck(); err != nil {
		h.t.Error(err)
	}
	if err := h.engine.Check(func(p string) { h.t.Errorf("engine: %s", p) }); err != nil {
		h.t.Error(err)
	}
	if err := h.db.Check(context.Background(), func(p string) { h.t.Errorf("check: %s", p) }); err != nil {
		h.t.Error(err)
	}
	if err := h.engine.Close(); err != nil {
		h.t.Error(err)
	}
}

// pass lets time pass in the bubble; outside, it takes none.
func (h *house) pass(d time.Duration) { <-time.After(d) }

// crash cuts the power and opens what the disk holds in a new house. The old one
// is closed; what nobody had waited for is gone.
func (h *house) crash() *house {
	h.t.Helper()
	disk := h.cutPower()
	h.abandon()
	return h.reopen(disk)
}

// cutPower is what the disk would hold if the power failed now.
func (h *house) cutPower() *vfs.MemFS { return h.disk.CrashClone(vfs.CrashCloneCfg{}) }

// reopen opens a house on what a crash has left.
func (h *house) reopen(disk *vfs.MemFS) *house {
	h.t.Helper()
	next := openHouse(h.t, disk, nil)
	h.t.Cleanup(next.close)
	return next
}

// abandon closes a house in which transactions are open, as the end of a process does.
func (h *house) abandon() {
	h.t.Helper()
	h.sessions.AbortAll(errors.New("the power was cut"))
	h.close()
}

// doc reads relaxed extended JSON.
func doc(t *testing.T, text string) bsonx.Doc {
	t.Helper()
	d, err := bsonx.ParseJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}
