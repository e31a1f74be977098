package plan

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/query"
)

// debugTree is a filter as the server's planner prints it in errors.
func debugTree(f *query.Filter) string {
	var b strings.Builder
	if f == nil || f.MatchesAll() {
		return "$and\n"
	}
	appendTree(&b, f.Root(), 0)
	return b.String()
}

func appendTree(b *strings.Builder, n *query.Node, depth int) {
	b.WriteString(strings.Repeat("    ", depth))
	name := debugName(n.Op)
	switch n.Op {
	case query.OpAnd, query.OpOr, query.OpNor, query.OpNot:
		b.WriteString(name + "\n")
		for _, c := range n.Children {
			appendTree(b, c, depth+1)
		}
		return
	case query.OpEq, query.OpLt, query.OpLte, query.OpGt, query.OpGte:
		b.WriteString(n.Path + " " + name + " " + bsonx.ShellString(n.Value) + "\n")
		return
	case query.OpIn:
		b.WriteString(n.Path + " " + name + " [")
		for _, v := range n.Values {
			b.WriteString(" " + bsonx.ShellString(v))
		}
		b.WriteString("]\n")
		return
	}
	b.WriteString(n.Path + " " + name + "\n")
}

// debugName is an operator's name there.
func debugName(op query.Op) string {
	switch op {
	case query.OpIn:
		return "$in"
	case query.OpExists:
		return "exists"
	case query.OpType:
		return "$type"
	case query.OpRegex:
		return "regex"
	case query.OpMod:
		return "mod"
	case query.OpSize:
		return "$size"
	case query.OpElemMatch:
		return "$elemMatch (obj)"
	case query.OpElemValue:
		return "$elemMatch (value)"
	case query.OpExpr:
		return "$expr"
	case query.OpSchema:
		return "$jsonSchema"
	}
	return treeName(op)
}
