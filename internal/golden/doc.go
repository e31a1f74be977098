// Package golden reads and writes the parts that golden files are made of: tables
// of inputs under testdata with the answers that the reference server gave. What
// the lines of a file mean is its own package's to say.
//
// Only tests import this package.
package golden
