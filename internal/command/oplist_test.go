package command_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
)

// TestTruncatedCommand: what is left of a long command is text, wherever it and its
// strings are cut.
func TestTruncatedCommand(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 1), s.starting(1)).want(`{"n":1,"nModified":1}`)
		var waiting []*pending
		for pad := range 6 { // as many as a letter and its quotes take.
			comment := fmt.Sprintf(`{"comment":["%s%s"]}`, strings.Repeat("a", pad), strings.Repeat("é", 100)+strings.Repeat(`é","`, 1000))
			waiting = append(waiting, h.conn().begin(inc(9, 1), comment).waits())
		}
		seen := 0
		inprog := bsonx.Get(c.run(`{"currentOp":1}`).doc, "inprog")
		for it := bsonx.Walk(bsonx.AsDoc(inprog)); it.Next(); {
			v := bsonx.Lookup(bsonx.AsDoc(it.Value()), "command.$truncated")
			if bsonx.IsMissing(v) {
				continue
			}
			seen++
			if cut := bsonx.Str(v); len(cut) < 1000 || !utf8.ValidString(cut) {
				t.Errorf("cut to %d bytes: %q", len(cut), cut)
			}
		}
		if seen != len(waiting) {
			t.Errorf("%d commands were cut: %s", seen, bsonx.ToJSON(bsonx.AsDoc(inprog)))
		}
		c.run(abort, s.within(1)).want(`{}`)
		for _, w := range waiting {
			w.want(`{"n":1,"nModified":1}`)
		}
	})
}
