// Package diff sends random questions to Pando and to the reference server, and
// compares the answers: results byte by byte, errors by code and text.
//
// # What it is for
//
// Scenarios show what somebody thought of. The questions here are drawn from the
// grammar of each language (expressions, filters, updates, projections, sorts,
// pipelines), with odd values in odd places, and a third of them are spoilt: an
// operand of a wrong type, a field too many, one too few, another operator's name.
//
//	PANDO_REFERENCE_URI=mongodb://… go test ./internal/diff -run Reference
//	    -seed 7 -questions 100000     which questions, and how many of each kind
//
// # How it works
//
// A question is a list of commands that depends on nothing but itself: it fills
// the collections that it reads. Both servers are asked at once. Where the answers
// differ the question is made as small as it can be while they still do, and told
// once for all questions that differ in the same way.
//
// What Pando refuses by name (238) is not compared.
//
// # Where to start reading
//
// diff_test.go has the kinds of questions; ask.go asks both servers; dice.go makes
// values and the gen_*.go files each a language; spoil.go makes them worse and
// shrink.go small.
package diff
