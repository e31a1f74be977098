// Package plan chooses how a query is run.
//
// # What it is for
//
// Compiled filters, sorts, projections and pipelines go in, a tree of plain data
// comes out; package exec moves it, and explain shows it.
//
// # How it works
//
//	Find       filter ─► conjuncts ─► predicates (sets of index keys)
//	           indexes ─► candidates with bounds ─► the best one, an $or, or a scan
//	           ─► [Fetch] ─► Sort ─► Skip ─► Project ─► Limit
//	Aggregate  pipeline ─► optimize (filters move to the front)
//	           ─► absorb (leading $match, $sort, $skip, $limit, $project make a Find)
//	           ─► Apply, Lookup, Branches for the other stages
//
// A predicate is a set of values of one path: a document that the conjunct matches
// has an index key in the set. If the converse holds too it is exact, and nobody
// checks the conjunct again; otherwise a Fetch does (the residual filter).
//
// # Which index
//
// There are no statistics and no trial runs. Candidates are compared by, in this
// order: bounds that hold nothing; a unique index with all fields fixed; how many
// leading fields are fixed to one value; whether anything is bounded at all; whether
// the scan gives the order that was asked for; how tight the first field is that is
// not fixed (points, then a range with two ends, then one end); how many fields are
// bounded; how many conjuncts are answered exactly; fewer fields. The index that was
// made first wins a tie. An $or is run by one index for each branch if all have one
// and no single index fixes a field.
//
// # Arrays
//
// A document has an index entry for each element of an array, so on a field that
// ever met one (catalog.IndexFlags) two predicates may be met by two elements:
// their sets are not intersected, and two fields below one array are not bounded
// together, unless one $elemMatch asks for both. Such an index gives an order only
// if its array fields are unbounded, and never covers a projection.
//
// # Invariants
//
//   - A plan never changes after it was made; an execution keeps its state elsewhere.
//   - Bounds may hold too much, never too little.
//   - A sparse or partial index is used only if the filter excludes what it lacks,
//     or if it is hinted.
//   - A stage, operator or option that is known but not done is refused by name.
//
// # Where to start
//
// find.go is the choice, candidate.go one index, predicate.go what filters say.
// pipeline.go and stage.go compile pipelines, aggregate.go plans them, explain.go
// shows plans to clients.
package plan
