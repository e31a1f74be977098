// Package param holds the server's parameters: what getParameter shows and
// setParameter and --setParameter change. Names, types, defaults, limits and
// error texts are MongoDB 8.2's; table.go is the whole list.
//
// A parameter is read by its field of [Set], lock-free, each time it matters, so
// that a change takes effect at once. Who must be told of a change asks with OnChange.
//
// Some parameters that drivers and tools ask for have no counterpart in Pando.
// They are shown with the value that describes what Pando does, and setting
// another is an error (238), never a silent no-op.
package param
