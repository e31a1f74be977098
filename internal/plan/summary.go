package plan

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// Summary names the sources of a plan, as logs and cursor listings do.
func Summary(n Node) string {
	var parts []string
	sources(n, func(s string) { parts = append(parts, s) })
	return strings.Join(parts, ", ")
}

func sources(n Node, tell func(string)) {
	switch n := n.(type) {
	case nil:
		return
	case *EOF:
		tell("EOF")
	case *CollScan:
		tell("COLLSCAN")
	case *Express:
		tell("EXPRESS_IXSCAN " + bsonx.ShellString(bsonx.DocValue(n.Index.Key)))
	case *IndexScan:
		tell("IXSCAN " + bsonx.ShellString(bsonx.DocValue(n.Index.Key)))
	default:
		for _, in := range n.Inputs() {
			sources(in, tell)
		}
	}
}
