package testenv

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// CI tells whether the run must be complete.
func CI() bool { return os.Getenv("PANDO_CI") == "1" }

// Skip skips a test that lacks something. In a complete run that is a failure.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if CI() {
		t.Fatalf("would be skipped: %s", reason)
	}
	t.Skip(reason)
}

// Long skips a test of minutes; complete runs have it.
func Long(t testing.TB) {
	t.Helper()
	if !CI() {
		t.Skip("takes minutes: runs with PANDO_CI=1")
	}
}

// CountsAllocations skips a test that counts them under the race detector, where a
// sync.Pool loses things by chance. Runs without it have the test.
func CountsAllocations(t testing.TB) {
	t.Helper()
	if UnderRace {
		t.Skip("pools lose things by chance under the race detector")
	}
}

// NeedsFetched skips a test whose things could not be fetched, in complete runs too.
func NeedsFetched(t testing.TB, name string) {
	t.Helper()
	if slices.Contains(strings.Fields(os.Getenv("PANDO_UNFETCHED")), name) {
		t.Skipf("%s could not be fetched", name)
	}
}

// Recorder returns the URI of the MongoDB server from which a test rewrites the
// expectations of others. Writing files is no test, so it runs only when asked
// to with PANDO_RECORD=1, and leaving it out is no gap in a complete run.
func Recorder(t testing.TB) string {
	t.Helper()
	uri := os.Getenv("PANDO_REFERENCE_URI")
	if os.Getenv("PANDO_RECORD") != "1" || uri == "" {
		t.Skip("records expectations only with PANDO_RECORD=1 and PANDO_REFERENCE_URI")
	}
	return uri
}

// Reference returns the URI of a MongoDB server to compare with, from
// PANDO_REFERENCE_URI; without one the test is skipped.
func Reference(t testing.TB) string {
	t.Helper()
	NeedsFetched(t, "reference")
	uri := os.Getenv("PANDO_REFERENCE_URI")
	if uri == "" {
		Skip(t, "PANDO_REFERENCE_URI does not say where a reference server is")
	}
	return uri
}
