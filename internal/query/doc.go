// Package query is MongoDB's document languages: filters, updates, projections
// and sorts.
//
// # What it is for
//
// Each is compiled once and applied many times, straight on raw BSON; none of them
// knows where documents come from or go to.
//
//	f, err := query.CompileFilter(doc, query.Options{})   // $gt, $in, $elemMatch, $expr, ...
//	ok, err := f.Matches(candidate, ctx)
//
//	u, err := query.CompileUpdate(value, query.UpdateOptions{})
//	after, changed, err := u.Apply(before, position, ctx, buffer)
//
//	p, err := query.CompileProjection(spec, query.Options{})
//	shown, err := p.Apply(doc, ctx, buffer)
//
//	v, err := query.CompileValidator(doc)      // a filter that can tell why a document does not match
//	why := v.Details(candidate, ctx)
//
//	s, err := query.CompileSort(spec)
//	key, err := s.AppendKey(buffer, doc)   // bytes.Compare orders keys as the sort orders documents
//
// # How it works
//
// A compiled filter is a tree of [Node]s, which is plain data: the planner reads
// the same tree that the matcher runs. A leaf walks its path through the bytes
// of the document and branches at arrays as the server does: every element, then
// the array itself. A document that does not match costs no allocation.
//
// A compiled update is a tree of paths with an operator at each leaf. Applying it
// is one pass over the document that copies what no path touches and lets each
// leaf write its own element; absent paths follow in the order of their names. A
// leaf that changes nothing says so, and an update of which no leaf changed
// anything hands back the document it was given.
//
// A projection is a tree of the same shape, with "keep", "drop" or an expression
// at each leaf. The stages $project, $addFields, $set and $unset are the same
// tree, compiled by other rules ([CompileProject]).
//
// A $jsonSchema is a node of its own, of rules that a value keeps or breaks. Why a
// document does not conform is told by the filter as it was written, clause by
// clause: the tree of nodes has forgotten what its author wrote.
//
// # Invariants
//
//   - Compiled things never change: any number of goroutines may use one at once,
//     each with an expr.Context of its own.
//   - Compilers copy what they keep of their input. Results borrow from the
//     document, the compiled form or the buffer that the caller gave.
//   - Errors are the server's own, code and text, without the context that the
//     command puts before them ("Plan executor error during update :: caused by :: ").
//   - What the server knows and this package does not is refused by name, with 238.
//
// # Where to start
//
// node.go is the filter tree and match.go runs it; parse.go builds it. update.go
// is the life of an update, updatetree.go its tree, apply.go the pass over the
// document, and one file a family of operators. schema.go is $jsonSchema, one file
// a family of rules; validator.go and reasons.go tell what does not conform.
// projection.go and sort.go stand alone.
package query
