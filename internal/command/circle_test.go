package command_test

import (
	"testing"
	"time"
)

// TestCircleThroughDocuments: one transaction waits for a document of another,
// that one for a collection behind its drop, and the drop for the first. The
// second holds what the first waits for, so it does not wait long; then the others
// go on.
func TestCircleThroughDocuments(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(`{"insert":"c","documents":[{"_id":1},{"_id":2}]}`).want(`{"n":2}`)
		c.run(`{"insert":"e","documents":[{"_id":1}]}`).want(`{"n":1}`)
		const (
			both = `{"bulkWrite":1,"nsInfo":[{"ns":"test.c"},{"ns":"test.e"}],"ops":[`
			e1   = `{"update":1,"filter":{"_id":1},"updateMods":{"$inc":{"n":1}}}`
			c1   = `{"update":0,"filter":{"_id":1},"updateMods":{"$inc":{"n":1}}}`
			c2   = `{"update":0,"filter":{"_id":2},"updateMods":{"$inc":{"n":1}}}`
		)
		holder, first, second := lsid(1), lsid(2), lsid(3)
		a, b, d := h.conn(), h.conn(), h.conn()
		c.run(inc(2, 1), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		waits := a.begin(both+e1+","+c2+","+c1+"]}", first.starting(1)).waits()
		drop := d.begin(`{"drop":"e"}`).waits()
		loser := b.begin(both+c1+","+e1+"]}", second.starting(1)).waits()
		c.run(abort, holder.within(1)).want(`{}`)
		waits.waits() // for the loser, now.
		h.pass(10 * time.Millisecond)
		loser.want(`error 24 [TransientTransactionError]`)
		waits.want(`{"nErrors":0,"nInserted":0,"nMatched":3,"nModified":3,"nUpserted":0,"nDeleted":0}[{"ok":1.0,"idx":0,"n":1,"nModified":1} {"ok":1.0,"idx":1,"n":1,"nModified":1} {"ok":1.0,"idx":2,"n":1,"nModified":1}]`)
		ok(a.run(commit, first.within(1)))
		drop.want(`{"nIndexesWas":1,"ns":"test.e"}`)
	})
}
