package command_test

import (
	"fmt"
	"testing"
	"time"
)

// TestParkedCursorGoesOn parks a cursor between two batches: it goes on behind
// what it gave, in the newest state; those at level snapshot and those of
// transactions stay where they are.
func TestParkedCursorGoesOn(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		find := `{"find":"c","batchSize":2}`
		local := c.run(find).cursor()
		majority := c.run(find, `{"readConcern":{"level":"majority"}}`).cursor()
		snapshot := c.run(find, `{"readConcern":{"level":"snapshot"}}`).cursor()
		inside := c.run(find, s.starting(1)).cursor()
		h.pass(10 * time.Second)
		if n := h.d.ParkCursors(5 * time.Second); n != 2 {
			t.Errorf("%d cursors were parked", n)
		}
		c.run(inc(3, 1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"insert":"c","documents":[{"_id":4,"n":0}]}`).want(`{"n":1}`)
		more := func(id int64, extra ...string) reply {
			return c.run(fmt.Sprintf(`{"getMore":{"$numberLong":"%d"},"collection":"c"}`, id), extra...)
		}
		more(local).want(`[{"_id":3,"n":1} {"_id":4,"n":0} {"_id":9,"n":0}]`)
		more(majority).want(`[{"_id":3,"n":1} {"_id":4,"n":0} {"_id":9,"n":0}]`)
		more(snapshot).want(`[{"_id":3,"n":0} {"_id":9,"n":0}]`)
		more(inside, s.within(1)).want(`[{"_id":3,"n":0} {"_id":9,"n":0}]`)
		c.run(commit, s.within(1)).want(`{}`)
	})
}

// TestParkedCursorsHoldNothing is the upper half of STORAGE's history 18: what a
// thousand forgotten cursors hold of the store is nothing.
func TestParkedCursorsHoldNothing(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		var ids []int64
		for i := range 1000 {
			ids = append(ids, c.run(`{"find":"c","batchSize":1}`).cursor())
			c.run(inc(9, 1)).want(`{"n":1,"nModified":1}`)
			if i%100 == 0 {
				h.pass(time.Millisecond)
			}
		}
		if n := h.engine.Stats().Transactions; n != 1000 {
			t.Errorf("%d open", n)
		}
		h.pass(10 * time.Second)
		h.d.ParkCursors(5 * time.Second)
		if n := h.engine.Stats().Transactions; n != 0 {
			t.Errorf("%d open", n)
		}
		for _, id := range ids {
			c.run(fmt.Sprintf(`{"getMore":{"$numberLong":"%d"},"collection":"c"}`, id)).want(`[{"_id":2,"n":0} {"_id":3,"n":0} {"_id":9,"n":1000}]`)
		}
	})
}

// TestJoinOutlivesRequest: a pipeline that joins looks its collections up at every
// batch, when the request that named them is long gone.
func TestJoinOutlivesRequest(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		id := c.run(`{"aggregate":"c","pipeline":[{"$lookup":{"from":"c","localField":"_id","foreignField":"_id","as":"a"}},
			{"$set":{"a":{"$size":"$a"}}}],"cursor":{"batchSize":1}}`).cursor()
		c.run(fmt.Sprintf(`{"getMore":{"$numberLong":"%d"},"collection":"c"}`, id)).
			want(`[{"_id":2,"n":0,"a":1} {"_id":3,"n":0,"a":1} {"_id":9,"n":0,"a":1}]`)
	})
}
