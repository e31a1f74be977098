package command_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// TestRetryAtOnce sends one retryable write through two doors at the same time,
// and a late one after its successor.
func TestRetryAtOnce(t *testing.T) {
	g := &gate{}
	inHouseOver(t, g.over, func(h *house) {
		h.putX()
		s := lsid(1)
		g.close()
		first := h.conn().begin(incX, s.retryable(7)).waits()
		second := h.conn().begin(incX, s.retryable(7)).waits()
		g.open()
		first.want(`{"n":1,"nModified":1}`)
		second.want(`{"n":1,"retriedStmtIds":[0],"nModified":1}`)
		c := h.conn()
		c.run(readX).want(`[{"n":1}]`)
		c.run(incX, s.retryable(8)).want(`{"n":1,"nModified":1}`)
		c.run(incX, s.retryable(7)).want(`error 225`)
		c.run(readX).want(`[{"n":2}]`)
	})
}

// retried are retryable writes of every kind, with the answers to the first
// sending and to the second.
var retried = []struct{ name, cmd, first, again string }{
	{"insert", `{"insert":"c","documents":[{"_id":1},{"_id":2}]}`, `{"n":2}`, `{"n":2,"retriedStmtIds":[0,1]}`},
	{"update", incX, `{"n":1,"nModified":1}`, `{"n":1,"retriedStmtIds":[0],"nModified":1}`},
	{"upsert", `{"update":"c","updates":[{"q":{"_id":"u"},"u":{"$inc":{"n":1}},"upsert":true}]}`,
		`{"n":1,"upserted":[{"index":0,"_id":"u"}],"nModified":0}`,
		`{"n":1,"retriedStmtIds":[0],"upserted":[{"index":0,"_id":"u"}],"nModified":0}`},
	{"several updates", `{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$inc":{"n":1}}},{"q":{"_id":"x"},"u":{"$inc":{"n":10}}},{"q":{"_id":"y"},"u":{"$inc":{"n":1}},"upsert":true}]}`,
		`{"n":3,"upserted":[{"index":2,"_id":"y"}],"nModified":2}`,
		`{"n":3,"retriedStmtIds":[0,1,2],"upserted":[{"index":2,"_id":"y"}],"nModified":2}`},
	{"delete", `{"delete":"c","deletes":[{"q":{"_id":"x"},"limit":1}]}`, `{"n":1}`, `{"n":1,"retriedStmtIds":[0]}`},
	{"find and update, before", `{"findAndModify":"c","query":{"_id":"x"},"update":{"$inc":{"n":1}}}`,
		`{"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"_id":"x","n":0}}`,
		`{"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"_id":"x","n":0},"retriedStmtId":0}`},
	{"find and update, after", `{"findAndModify":"c","query":{"_id":"x"},"update":{"$inc":{"n":1}},"new":true}`,
		`{"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"_id":"x","n":1}}`,
		`{"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"_id":"x","n":1},"retriedStmtId":0}`},
	{"find and upsert", `{"findAndModify":"c","query":{"_id":"v"},"update":{"$inc":{"n":1}},"new":true,"upsert":true}`,
		`{"lastErrorObject":{"n":1,"updatedExisting":false,"upserted":"v"},"value":{"_id":"v","n":1}}`,
		`{"lastErrorObject":{"n":1,"updatedExisting":false,"upserted":"v"},"value":{"_id":"v","n":1},"retriedStmtId":0}`},
	{"find and remove", `{"findAndModify":"c","query":{"_id":"x"},"remove":true}`,
		`{"lastErrorObject":{"n":1},"value":{"_id":"x","n":0}}`,
		`{"lastErrorObject":{"n":1},"value":{"_id":"x","n":0},"retriedStmtId":0}`},
	{"bulk", `{"bulkWrite":1,"nsInfo":[{"ns":"test.c"}],"errorsOnly":true,"ops":[{"insert":0,"document":{"_id":1}},{"update":0,"filter":{"_id":"x"},"updateMods":{"$inc":{"n":1}}},{"delete":0,"filter":{"_id":1}}]}`,
		`{"nErrors":0,"nInserted":1,"nMatched":1,"nModified":1,"nUpserted":0,"nDeleted":1}[]`,
		`{"nErrors":0,"nInserted":1,"nMatched":1,"nModified":1,"nUpserted":0,"nDeleted":1,"retriedStmtIds":[0,1,2]}[]`},
}

// TestRetryAfterCrash asks again after the power was cut: the record was written
// with its effect, so the answer is the first one's and nothing happens twice.
func TestRetryAfterCrash(t *testing.T) {
	for _, c := range retried {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.putX()
				s := lsid(1)
				h.conn().run(c.cmd, s.retryable(3)).want(c.first)
				h.conn().run(c.cmd, s.retryable(3)).want(c.again)
				was := h.conn().run(`{"find":"c","sort":{"_id":1}}`).String()
				h = h.crash()
				h.conn().run(c.cmd, s.retryable(3)).want(c.again)
				h.conn().run(`{"find":"c","sort":{"_id":1}}`).want(was)
				h.conn().run(c.cmd, s.retryable(2)).want(`error 225`)
			})
		})
	}
}

// TestRetryLongBatch cuts the power between the groups of a long insert: the
// retry inserts what is missing, and nothing twice.
func TestRetryLongBatch(t *testing.T) {
	const docs, kept = 2000, 3 // groups of 512, and how many of them survive.
	g := &gate{}
	inHouseOver(t, g.over, func(h *house) {
		var all []string
		for i := range docs {
			all = append(all, fmt.Sprintf(`{"_id":%d}`, i))
		}
		cmd := `{"insert":"c","documents":[` + strings.Join(all, ",") + `]}`
		s := lsid(1)
		h.putX()
		g.closeAfter(kept)
		p := h.conn().begin(cmd, s.retryable(5)).waits()
		if err := h.engine.WaitDurable(t.Context(), h.engine.Visible()); err != nil {
			t.Fatal(err)
		}
		disk := h.cutPower()
		g.open()
		p.want(`{"n":2000}`)
		h.close()

		h = h.reopen(disk)
		again := func(replayed int) {
			t.Helper()
			r := h.conn().run(cmd, s.retryable(5))
			if n := bsonx.AsInt32(bsonx.Get(r.doc, "n")); n != docs {
				t.Errorf("n is %d", n)
			}
			if n := bsonx.Len(bsonx.AsDoc(bsonx.Get(r.doc, "retriedStmtIds"))); n != replayed {
				t.Errorf("%d statements were answered from their record, want %d", n, replayed)
			}
		}
		again(kept * 512)
		again(docs)
		h = h.crash()
		again(docs)
		h.conn().run(`{"aggregate":"c","pipeline":[{"$count":"n"}],"cursor":{}}`).want(`[{"n":2001}]`)
		// A later number's records are not mixed with what the long batch left behind.
		h.conn().run(`{"insert":"c","documents":[{"_id":"a"},{"_id":"b"}]}`, s.retryable(6)).want(`{"n":2}`)
		h = h.crash()
		h.conn().run(`{"insert":"c","documents":[{"_id":"a"},{"_id":"b"},{"_id":"d"}]}`, s.retryable(6)).want(`{"n":3,"retriedStmtIds":[0,1]}`)
	})
}

// TestRetryManyStatements gives each statement a record of its own.
func TestRetryManyStatements(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		s := lsid(1)
		one := `{"q":{"_id":"x"},"u":{"$inc":{"n":1}}}`
		cmd := `{"update":"c","updates":[` + one + strings.Repeat(","+one, 29) + `]}`
		h.conn().run(cmd, s.retryable(1)).want(`{"n":30,"nModified":30}`)
		h = h.crash()
		r := h.conn().run(cmd, s.retryable(1))
		if n := bsonx.Len(bsonx.AsDoc(bsonx.Get(r.doc, "retriedStmtIds"))); n != 30 {
			t.Errorf("%d statements were answered from their record", n)
		}
		h.conn().run(readX).want(`[{"n":30}]`)
	})
}

// TestRetryFailedStatement records what was done and not what failed: the retry
// tries the failed statement again.
func TestRetryFailedStatement(t *testing.T) {
	inHouse(t, func(h *house) {
		h.conn().run(`{"insert":"c","documents":[{"_id":2}]}`).want(`{"n":1}`)
		s, cmd := lsid(1), `{"insert":"c","documents":[{"_id":1},{"_id":2},{"_id":3}]}`
		h.conn().run(cmd, s.retryable(1)).want(`{"n":1} at 1: 11000`)
		h.conn().run(cmd, s.retryable(1)).want(`{"n":1,"retriedStmtIds":[0]} at 1: 11000`)
		h = h.crash()
		h.conn().run(`{"delete":"c","deletes":[{"q":{"_id":2},"limit":1}]}`).want(`{"n":1}`)
		h.conn().run(cmd, s.retryable(1)).want(`{"n":3,"retriedStmtIds":[0]}`)
	})
}

// TestNumbersAcrossKinds mixes retryable writes and transactions under one session.
func TestNumbersAcrossKinds(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		s, c := lsid(1), h.conn()
		c.run(incX, s.retryable(1)).want(`{"n":1,"nModified":1}`)
		c.run(incX, s.starting(1)).want(`error 117`)
		c.run(incX, s.starting(2)).want(`{"n":1,"nModified":1}`)
		c.run(incX, s.retryable(2)).want(`error 217`)
		c.run(incX, s.retryable(3)).want(`{"n":1,"nModified":1}`) // ends the open one.
		c.run(commit, s.within(2)).want(`error 225`)
		c.run(readX).want(`[{"n":2}]`)
		c.run(incX, s.starting(4)).want(`{"n":1,"nModified":1}`)
		c.run(commit, s.within(4)).want(`{}`)
		h = h.crash()
		c = h.conn()
		c.run(incX, s.retryable(4)).want(`error 217`)
		c.run(incX, s.within(4)).want(`error 256`)
		c.run(incX, s.starting(3)).want(`error 225`)
		c.run(readX).want(`[{"n":3}]`)
	})
}
