package query

import (
	"cmp"
	"slices"
)

// The server brings the conditions of an $and into an order of its own before it
// matches, and a positional $ is the last array element that one of them
// matched. So where the position counts, and there alone, that order is ours too.

// positionRank is the place of an operator in the server's order.
var positionRank = map[Op]int{
	OpAnd: 0, OpOr: 1, OpElemMatch: 2, OpElemValue: 3, OpSize: 4, OpEq: 5, OpLte: 6, OpLt: 7, OpGt: 8, OpGte: 9,
	OpRegex: 10, OpMod: 11, OpExists: 12, OpIn: 13, OpBitsAllSet: 14, OpBitsAllClear: 15, OpBitsAnySet: 16,
	OpBitsAnyClear: 17, OpNot: 18, OpNor: 19, OpType: 20, OpExpr: 21, OpAlwaysFalse: 22, OpAlwaysTrue: 23,
}

// positionOrder lists the children of an $and in the server's order.
func positionOrder(children []*Node) []*Node {
	return slices.SortedStableFunc(slices.Values(children), func(a, b *Node) int {
		return cmp.Or(cmp.Compare(positionRank[a.Op], positionRank[b.Op]), cmp.Compare(a.Path, b.Path))
	})
}
