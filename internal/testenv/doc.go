// Package testenv tells tests what the machine has, and keeps skipped tests from
// looking like passed ones.
//
// With PANDO_CI=1, as .ci/run sets it, what would be skipped fails. The one
// exception is what .ci/run tried to fetch and could not: it names it in
// PANDO_UNFETCHED and says so in its last line.
//
// Only tests import this package.
package testenv
