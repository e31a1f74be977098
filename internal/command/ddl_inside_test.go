package command_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
)

// cutter keeps what the disk would hold if the power failed right before or after
// each commit and each forgetting of a range, some of what is not synced with it.
type cutter struct {
	kv.Store
	disk *vfs.MemFS // nil: not yet.
	rng  *rand.Rand
	left []*vfs.MemFS
}

func (c *cutter) over(s kv.Store) kv.Store {
	c.Store = s
	return c
}

func (c *cutter) cut() {
	if c.disk != nil {
		c.left = append(c.left, c.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * c.rng.IntN(5), RNG: c.rng}))
	}
}

func (c *cutter) Begin(ctx context.Context, opt kv.Options) (kv.Txn, error) {
	txn, err := c.Store.Begin(ctx, opt)
	return cutterTxn{txn, c}, err
}

func (c *cutter) DropRange(ctx context.Context, lo, hi []byte, after kv.Time) error {
	c.cut()
	defer c.cut()
	return c.Store.DropRange(ctx, lo, hi, after)
}

type cutterTxn struct {
	kv.Txn
	c *cutter
}

func (t cutterTxn) Commit(ctx context.Context) (kv.Time, error) {
	t.c.cut()
	defer t.c.cut()
	return t.Txn.Commit(ctx)
}

const (
	allowDDL = `{"setParameter":1,"transactionDDL":true}`
	findC    = `{"find":"c"}`
	findO    = `{"find":"o"}`
)

// TestCrashInDDL cuts the power around a transaction that drops a collection, makes
// it anew and writes into another. What is left holds all of it or nothing, and the
// commit's retry says which.
func TestCrashInDDL(t *testing.T) {
	for seed := range uint64(4) {
		cut := &cutter{rng: rand.New(rand.NewPCG(seed, 1))}
		inHouseOver(t, cut.over, func(h *house) {
			c, s := h.conn(), lsid(1)
			c.run(allowDDL)
			c.run(`{"createIndexes":"c","indexes":[{"key":{"k":1},"name":"k","unique":true}]}`)
			c.run(`{"insert":"c","documents":[{"_id":1,"k":[1,2]},{"_id":2,"k":[3]}]}`).want(`{"n":2}`)
			cut.disk = h.disk
			c.run(dropC, s.starting(1)).want(`{"nIndexesWas":2,"ns":"test.c"}`)
			c.run(`{"insert":"c","documents":[{"_id":3,"k":1},{"_id":4,"k":1}]}`, s.within(1)).want(`{"n":2}`)
			c.run(`{"insert":"o","documents":[{"_id":1}]}`, s.within(1)).want(`{"n":1}`)
			c.run(commit, s.within(1)).want(`{}`)
			cut.disk = nil
			if len(cut.left) < 8 {
				t.Fatalf("cut at %d places only", len(cut.left))
			}
			done := 0
			for _, disk := range append(cut.left, h.cutPower()) {
				next := h.reopen(disk)
				c := next.conn()
				if c.run(findO).String() == `[{"_id":1}]` {
					done++
					c.run(commit, s.within(1)).want(`{}`)
					c.run(findC).want(`[{"_id":3,"k":1} {"_id":4,"k":1}]`)
				} else {
					c.run(commit, s.within(1)).want(`error 251 [TransientTransactionError]`)
					c.run(findC).want(`[{"_id":1,"k":[1,2]} {"_id":2,"k":[3]}]`)
				}
				next.close()
			}
			if done == 0 || done == len(cut.left)+1 {
				t.Errorf("%d of %d crashes found the transaction done", done, len(cut.left)+1)
			}
		})
	}
}

// TestDDLOfAbortedTransactions leaves nothing behind, whatever ends them.
func TestDDLOfAbortedTransactions(t *testing.T) {
	for name, end := range map[string]func(h *house, s lsid){
		"abort":        func(h *house, s lsid) { h.conn().run(abort, s.within(1)).want(`{}`) },
		"killSessions": func(h *house, s lsid) { h.conn().run(s.kill()).want(`{}`) },
		"lifetime":     func(h *house, _ lsid) { h.pass(61 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				c, s := h.conn(), lsid(1)
				c.run(allowDDL)
				c.run(putAll).want(`{"n":4}`)
				c.run(`{"insert":"o","documents":[{"_id":1}]}`).want(`{"n":1}`)
				c.run(dropC, s.starting(1)).want(`{"nIndexesWas":1,"ns":"test.c"}`)
				c.run(`{"renameCollection":"test.o","to":"test.c"}`, s.within(1)).want(`{}`)
				c.run(`{"insert":"o","documents":[{"_id":2}]}`, s.within(1)).want(`{"n":1}`)
				waiter := h.conn().begin(`{"collMod":"o"}`).waits()
				end(h, s)
				waiter.want(`{}`)
				c.run(getAll).want(`[{"_id":1,"n":0} {"_id":2,"n":0} {"_id":3,"n":0} {"_id":9,"n":0}]`)
				c.run(findO).want(`[{"_id":1}]`)
			})
		})
	}
}

// TestDropInsideEndsCursors: whoever reads a collection in batches learns of its
// drop when that is committed, and not before.
func TestDropInsideEndsCursors(t *testing.T) {
	inHouse(t, func(h *house) {
		c, other, s := h.conn(), h.conn(), lsid(1)
		c.run(allowDDL)
		c.run(putAll).want(`{"n":4}`)
		cursor := func() string {
			found := bsonx.AsDoc(bsonx.Get(other.run(`{"find":"c","batchSize":1}`).doc, "cursor"))
			return fmt.Sprintf(`{"getMore":{"$numberLong":"%d"},"collection":"c","batchSize":1}`, bsonx.AsInt64(bsonx.Get(found, "id")))
		}
		first, second := cursor(), cursor()
		c.run(dropC, s.starting(1)).want(`{"nIndexesWas":1,"ns":"test.c"}`)
		other.run(first).want(`[{"_id":2,"n":0}]`)
		c.run(abort, s.within(1)).want(`{}`)
		other.run(first).want(`[{"_id":3,"n":0}]`)
		c.run(dropC, s.starting(2)).want(`{"nIndexesWas":1,"ns":"test.c"}`)
		c.run(commit, s.within(2)).want(`{}`)
		other.run(first).want(`error 175`)
		other.run(second).want(`error 175`)
	})
}

// TestDropLosesToWrite: what was written since the snapshot is not dropped unseen; the
// retry sees it.
func TestDropLosesToWrite(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(allowDDL)
		c.run(putAll).want(`{"n":4}`)
		c.run(dropC, s.starting(1)).want(`{"nIndexesWas":1,"ns":"test.c"}`)
		h.conn().run(inc(9, 1)).want(`{"n":1,"nModified":1}`)
		c.run(commit, s.within(1)).want(`error 112 [TransientTransactionError]`)
		c.run(dropC, s.starting(2)).want(`{"nIndexesWas":1,"ns":"test.c"}`)
		c.run(commit, s.within(2)).want(`{}`)
		c.run(findC).want(`[]`)
	})
}
