// Package planted is mistakes that the engine does not make, for tests to find.
//
// Each is a constant that a build tag makes true; in every other build it is false,
// and the compiler leaves out what it guards. internal/history builds the server
// with each tag and must find the mistake in what clients see.
package planted
