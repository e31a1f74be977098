// Package expr is the aggregation expression language: compile once, evaluate
// many times, straight on raw BSON.
//
// # What it is for
//
// $expr in filters, computed projections, $group, update pipelines and every
// other place where MongoDB takes {"$add": ["$a", 1]}. It is pure: BSON in,
// value out. The clock and the dice come with the Context.
//
// # How it works
//
//	sc := expr.NewScope()             names known beside the document's fields
//	e, err := expr.Compile(sc, v)     a tree of Exprs, constants folded
//	c := expr.NewContext(sc)          one for each running operator
//	c.Now = …
//	for each document {
//		c.SetRoot(doc)
//		v, err := e.Eval(c)           borrowed until c.Reset
//		c.Reset()
//	}
//
// Nearly every operator is a [call]: operands, and a function that evaluates as
// many of them as it needs. Those that bind variables or choose among branches
// are nodes of their own. Arrays and documents are built in two steps: their
// parts go onto the context's stack, then are copied, once, into its arena. So
// a result is always contiguous BSON, and in steady state nothing is allocated.
//
// An operand that depends on nothing is computed at compile time. If that fails
// Compile returns a *[FoldError], because the server refuses such an expression
// before it has seen a document; its callers put "Failed to optimize pipeline ::
// caused by :: " before the message where the server does.
//
// Regular expressions are PCRE's for clients. pattern.go translates them for
// Go's regexp, which takes linear time, and where that cannot do it for
// regexp2, under a time limit.
//
// # Invariants
//
//   - An Expr is immutable: many goroutines may evaluate it, each with its Context.
//   - Eval leaves the context's stack as it found it, except after an error.
//   - A result's bytes are the document's, the expression's, or the arena's.
//
// # Where we differ on purpose
//
//   - $dateAdd from a time before 1970 that has milliseconds: the server loses a second.
//   - $setField of a field that $unsetField took away just before: the server puts
//     it back where it was, we put it last, as for any other new field.
//   - Strings that are no UTF-8, which the server makes itself when $replaceAll
//     looks for "": it refuses them in regular expressions, we do not.
//   - What is said about strings that are no dates, beyond the first complaint.
//
// # Where to start reading
//
// expr.go and compile.go are the machine, ops.go lists the operators, arith.go
// shows what one looks like. The behaviour is in testdata: every file there was
// answered by the reference server (see golden_test.go).
package expr
