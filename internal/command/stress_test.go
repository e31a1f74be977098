package command_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
)

// field reads a number of the first document of a cursor's reply.
func (r reply) field(name string) int {
	r.t.Helper()
	first := bsonx.Get(bsonx.AsDoc(bsonx.Get(bsonx.AsDoc(bsonx.Get(r.doc, "cursor")), "firstBatch")), "0")
	if first.Type != bsonx.TypeDocument {
		return 0
	}
	n, _ := bsonx.ToInt64Clamped(bsonx.Get(bsonx.AsDoc(first), name))
	return int(n)
}

func (r reply) code() int {
	if bsonx.AsDouble(bsonx.Get(r.doc, "ok")) == 1 {
		return 0
	}
	return int(bsonx.AsInt32(bsonx.Get(r.doc, "code")))
}

func (r reply) transient() bool { return strings.Contains(r.String(), "TransientTransactionError") }

const (
	accounts = 5
	balance  = 100
	total    = `{"aggregate":"c","pipeline":[{"$group":{"_id":null,"sum":{"$sum":"$n"}}}],"cursor":{}}`
)

// TestTransfers moves money between few accounts: in transactions whose first
// statement waits, while others read the total, and while sessions are killed.
// Money is neither made nor lost, not even in a power cut.
func TestTransfers(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			inHouse(t, func(h *house) { transfers(h, seed) })
		})
	}
}

func transfers(h *house, seed uint64) {
	const clients, rounds = 6, 15
	for i := range accounts {
		h.conn().run(fmt.Sprintf(`{"insert":"c","documents":[{"_id":%d,"n":%d}]}`, i, balance)).want(`{"n":1}`)
	}
	var work, readers sync.WaitGroup
	var done atomic.Bool
	var committed atomic.Int64
	for i := range clients {
		work.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			c, s := h.conn(), lsid(i+1)
			for n := 1; n <= rounds; {
				number := n
				n++
				if transfer(c, s, number, rng) {
					committed.Add(1)
				}
			}
		})
	}
	readers.Go(func() {
		for c, n := h.conn(), 1; !done.Load(); n++ {
			level := []string{"local", "majority", "snapshot"}[n%3]
			if sum := c.run(total, fmt.Sprintf(`{"readConcern":{"level":%q}}`, level)).field("sum"); sum != accounts*balance {
				h.t.Errorf("a reader at level %s sees %d", level, sum)
			}
		}
	})
	readers.Go(func() {
		rng := rand.New(rand.NewPCG(seed, 99))
		for c := h.conn(); !done.Load(); {
			c.run(lsid(rng.IntN(clients) + 1).kill()).want(`{}`)
			disk := h.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
			next := openHouse(h.t, disk, nil)
			if sum := next.conn().run(total).field("sum"); sum != accounts*balance {
				h.t.Errorf("%d after a crash", sum)
			}
			next.close()
		}
	})
	work.Wait()
	done.Store(true)
	readers.Wait()
	h.conn().run(total).want(fmt.Sprintf(`[{"_id":null,"sum":%d}]`, accounts*balance))
	if committed.Load() == 0 {
		h.t.Error("nothing was ever committed")
	}
}

// transfer is one transaction; false if it was told to try again.
func transfer(c *conn, s lsid, n int, rng *rand.Rand) bool {
	from, to := rng.IntN(accounts), rng.IntN(accounts)
	steps := []string{inc(from, -1), inc(to, 1)}
	for i, step := range steps {
		fields := s.within(n)
		if i == 0 {
			fields = s.starting(n)
		}
		if r := c.run(step, fields); r.code() != 0 {
			wantInterrupted(r)
			return false
		}
	}
	if rng.IntN(4) == 0 {
		r := c.run(abort, s.within(n))
		wantInterrupted(r)
		return false
	}
	how := `{}`
	if rng.IntN(2) == 0 {
		how = w1
	}
	r := c.run(commit, s.within(n), how)
	wantInterrupted(r)
	return r.code() == 0
}

// wantInterrupted: a transaction fails only so that it may be tried again, or
// because its session was killed.
func wantInterrupted(r reply) {
	r.t.Helper()
	if r.code() != 0 && !r.transient() && r.code() != 11601 {
		r.t.Errorf("%s: %s", r, bsonx.ToJSON(r.doc))
	}
}

// TestExactlyOnce has clients send numbered increments, of a counter of their own
// and of one that they share, while the power is cut again and again. What the
// disk holds then is a whole number of statements with their records: sending the
// last number once more completes it, and counts nothing twice.
func TestExactlyOnce(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			inHouse(t, func(h *house) { exactlyOnce(h, seed) })
		})
	}
}

const clients = 4

// numbered is client i's write number n.
func numbered(c *conn, i, n int) reply {
	return c.run(fmt.Sprintf(`{"update":"c","updates":[{"q":{"_id":"own%d"},"u":{"$inc":{"n":1}}},{"q":{"_id":"shared"},"u":{"$inc":{"n":1}}}]}`, i), lsid(i+1).retryable(n))
}

func counter(c *conn, id string) int {
	return c.run(fmt.Sprintf(`{"find":"c","filter":{"_id":%q}}`, id)).field("n")
}

func exactlyOnce(h *house, seed uint64) {
	const rounds = 25
	h.conn().run(`{"insert":"c","documents":[{"_id":"shared","n":0},{"_id":"own0","n":0},{"_id":"own1","n":0},{"_id":"own2","n":0},{"_id":"own3","n":0}]}`).want(`{"n":5}`)
	var sent, acked [clients]atomic.Int64
	var work sync.WaitGroup
	var left atomic.Int64
	left.Store(clients)
	for i := range clients {
		work.Go(func() {
			defer left.Add(-1)
			for n := 1; n <= rounds; n++ {
				sent[i].Store(int64(n))
				numbered(h.conn(), i, n).want(`{"n":2,"nModified":2}`)
				acked[i].Store(int64(n))
			}
		})
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	for cuts := 0; left.Load() > 0 || cuts == 0; cuts++ {
		var before [clients]int
		for i := range before {
			before[i] = int(acked[i].Load())
		}
		disk := h.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * rng.IntN(5), RNG: rng})
		next := openHouse(h.t, disk, nil)
		c, sum := next.conn(), 0
		for i := range clients {
			n := counter(c, fmt.Sprint("own", i))
			if n < before[i] || n > int(sent[i].Load()) {
				h.t.Errorf("client %d: %d on disk, %d were acknowledged and %d sent", i, n, before[i], sent[i].Load())
			}
			if n > 0 {
				if r := numbered(c, i, n); !strings.Contains(r.String(), `{"n":2,"retriedStmtIds":[0`) {
					h.t.Errorf("client %d: number %d was not answered from its record: %s", i, n, r)
				}
			}
			if again := counter(c, fmt.Sprint("own", i)); again != n {
				h.t.Errorf("client %d: number %d counted again, %d", i, n, again)
			}
			sum += n
		}
		if shared := counter(c, "shared"); shared != sum {
			h.t.Errorf("%d are counted together, %d apart", shared, sum)
		}
		next.close()
	}
	work.Wait()
	if n := counter(h.conn(), "shared"); n != clients*rounds {
		h.t.Errorf("%d of %d", n, clients*rounds)
	}
}

// TestInsertsInOppositeOrder has batches claim the same keys in opposite orders:
// whoever gives way runs again, and each key is inserted by one of them.
func TestInsertsInOppositeOrder(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		var up, down []string
		const docs = 60
		for i := range docs {
			up = append(up, fmt.Sprintf(`{"_id":%d}`, i))
			down = append(down, fmt.Sprintf(`{"_id":%d}`, docs-1-i))
		}
		var work sync.WaitGroup
		var n atomic.Int64
		for i := range 6 {
			all := up
			if i%2 == 0 {
				all = down
			}
			work.Go(func() {
				r := h.conn().run(`{"insert":"c","ordered":false,"documents":[`+strings.Join(all, ",")+`]}`, lsid(i+1).retryable(1))
				n.Add(int64(bsonx.AsInt32(bsonx.Get(r.doc, "n"))))
				if r.code() != 0 {
					t.Error(r)
				}
			})
		}
		work.Wait()
		if n.Load() != docs {
			t.Errorf("%d were inserted, want %d", n.Load(), docs)
		}
	})
}

// TestRetryAfterHangUp: a client goes away while its write waits, and sends it
// again on another connection, where it waits behind the first. It happens once.
func TestRetryAfterHangUp(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		holder, s := lsid(1), lsid(2)
		c, lost := h.conn(), h.conn()
		c.run(incX, holder.starting(1)).want(`{"n":1,"nModified":1}`)
		first := lost.begin(incX, s.retryable(1)).waits()
		again := h.conn().begin(incX, s.retryable(1)).waits()
		lost.hangUp()
		first.want(`error 279`)
		again.waits()
		c.run(commit, holder.within(1)).want(`{}`)
		again.want(`{"n":1,"nModified":1}`)
		c.run(incX, s.retryable(1)).want(`{"n":1,"retriedStmtIds":[0],"nModified":1}`)
		c.run(readX).want(`[{"n":2}]`)
	})
}
