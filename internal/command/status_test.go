package command_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// tally is the counts of serverStatus that commands move.
func (c *conn) tally() map[string]int64 {
	c.h.t.Helper()
	r := c.run(`{"serverStatus":1}`)
	all := map[string]int64{}
	for _, section := range []string{"opcounters", "metrics.document", "transactions"} {
		for it := bsonx.Walk(bsonx.AsDoc(bsonx.Lookup(r.doc, section))); it.Next(); {
			if bsonx.IsNumber(it.Value()) && !strings.HasPrefix(it.Key(), "current") {
				all[it.Key()] = bsonx.AsInt64(it.Value())
			}
		}
	}
	return all
}

// moved is what has changed between two tallies, but for the first of them.
func moved(before, after map[string]int64) string {
	var all []string
	before["command"]++
	for name, n := range after {
		if n -= before[name]; n != 0 {
			all = append(all, fmt.Sprintf("%s %d", name, n))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// TestTally holds what each command adds to the counts of serverStatus against what
// it adds to the reference server's: a retry that is answered from its record does
// nothing, and is not counted as if it had.
func TestTally(t *testing.T) {
	s := lsid(1)
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(`{"insert":"c","documents":[{"_id":1,"a":1},{"_id":2,"a":1},{"_id":3,"a":2},{"_id":4,"a":3}]}`).want(`{"n":4}`)
		for _, step := range []struct{ command, fields, adds string }{
			{`{"find":"c","batchSize":2,"singleBatch":true}`, "", "query 1, returned 2"},
			{`{"aggregate":"c","pipeline":[],"cursor":{}}`, "", "query 1, returned 4"},
			{`{"distinct":"c","key":"a"}`, "", "command 1, returned 3"},
			{`{"insert":"c","documents":[{"_id":5},{"_id":6}]}`, "", "insert 2, inserted 2"},
			{`{"insert":"c","documents":[{"_id":5}]}`, "", "insert 1"},
			{inc(1, 1), "", "update 1, updated 1"},
			{`{"update":"c","updates":[{"q":{"_id":1},"u":{"$set":{"a":1}}}]}`, "", "update 1, updated 1"},
			{`{"update":"c","updates":[{"q":{"_id":9},"u":{"$set":{"a":1}}},{"q":{"a":1},"u":{"$set":{"b":1}},"multi":true}]}`, "", "update 2, updated 2"},
			{`{"update":"c","updates":[{"q":{"_id":7},"u":{"$set":{"a":1}},"upsert":true}]}`, "", "update 1"},
			{`{"delete":"c","deletes":[{"q":{"_id":5},"limit":1},{"q":{"_id":5},"limit":1}]}`, "", "delete 2, deleted 1"},
			{`{"findAndModify":"c","query":{"_id":1},"update":{"$inc":{"n":1}}}`, "", "command 1, returned 1, updated 1"},
			{`{"findAndModify":"c","query":{"_id":8},"update":{"$inc":{"n":1}},"upsert":true}`, "", "command 1"},
			{`{"findAndModify":"c","query":{"_id":8},"remove":true}`, "", "command 1, deleted 1, returned 1"},
			{`{"bulkWrite":1,"ops":[{"insert":0,"document":{"_id":8}},{"update":0,"filter":{"_id":1},"updateMods":{"$inc":{"n":1}}},{"delete":0,"filter":{"_id":8}}],"nsInfo":[{"ns":"test.c"}]}`, "",
				"delete 1, deleted 1, insert 1, inserted 1, returned 3, update 1, updated 1"},

			{`{"insert":"c","documents":[{"_id":10}]}`, s.retryable(1), "insert 1, inserted 1, transactionsCollectionWriteCount 1"},
			{`{"insert":"c","documents":[{"_id":10}]}`, s.retryable(1), "retriedCommandsCount 1, retriedStatementsCount 1"},
			{inc(1, 1), s.retryable(2), "transactionsCollectionWriteCount 1, update 1, updated 1"},
			{inc(1, 1), s.retryable(2), "retriedCommandsCount 1, retriedStatementsCount 1"},
			{`{"bulkWrite":1,"ops":[{"insert":0,"document":{"_id":11}}],"nsInfo":[{"ns":"test.c"}]}`, s.retryable(3),
				"insert 1, inserted 1, returned 1, transactionsCollectionWriteCount 1"},
			{`{"bulkWrite":1,"ops":[{"insert":0,"document":{"_id":11}}],"nsInfo":[{"ns":"test.c"}]}`, s.retryable(3),
				"retriedCommandsCount 1, retriedStatementsCount 1, returned 1"},

			{`{"insert":"c","documents":[{"_id":12}]}`, s.starting(4), "insert 1, inserted 1, totalStarted 1"},
			{commit, s.within(4), "command 1, totalCommitted 1, transactionsCollectionWriteCount 1"},
			{`{"find":"c","filter":{"_id":12}}`, s.starting(5), "query 1, returned 1, totalStarted 1"},
			{commit, s.within(5), "command 1, totalCommitted 1"},
			{`{"find":"c","filter":{"_id":12}}`, s.starting(6), "query 1, returned 1, totalStarted 1"},
			{abort, s.within(6), "command 1, totalAborted 1"},
		} {
			before := c.tally()
			var fields []string
			if step.fields != "" {
				fields = append(fields, step.fields)
			}
			r := c.run(step.command, fields...)
			if got := moved(before, c.tally()); got != step.adds {
				t.Errorf("%s%s adds\n     %s\nwant %s\n(%s)", step.command, step.fields, got, step.adds, r)
			}
		}
	})
}
