package lint

import (
	"slices"
	"testing"
)

// floors lists the packages from the ground up. A package may import those that
// stand before its own floor, and no others of ours. (mongoerr is a step below
// the rest of the first floor: whoever parses what clients send speaks of errors.)
var floors = [][]string{
	{"internal/bsonx", "internal/env", "internal/invariant", "internal/lock", "internal/metrics", "internal/planted"},
	{"internal/mongoerr"},
	{"internal/wire", "internal/keyenc", "internal/param", "internal/failpoint"},
	{"internal/expr", "internal/kv", "internal/wal"},
	{"internal/kv/pebblekv", "internal/catalog", "internal/query"},
	{"internal/docstore"},
	{"internal/session", "internal/plan"},
	{"internal/exec"},
	{"internal/command"},
	{"internal/server"},
	{"."},
	{"cmd/pando"},
}

// testOnly are the packages that only test, or measure. They may import every
// floor; nothing but tests and each other imports them.
var testOnly = []string{
	"internal/testenv",
	"internal/golden",
	"internal/lint",
	"internal/kv/kvtest",
	"internal/kv/altkv",
	"internal/scenario",
	"internal/diff",
	"internal/history",
	"internal/bench",
}

// documented is the floor from which a package's doc.go must have its headings.
const documented = 4

// floorOf returns a package's floor.
func floorOf(path string) (floor int, ok bool) {
	for i, paths := range floors {
		if slices.Contains(paths, path) {
			return i, true
		}
	}
	return len(floors), slices.Contains(testOnly, path)
}

func isTestOnly(path string) bool { return slices.Contains(testOnly, path) }

func TestFloors(t *testing.T) {
	for _, p := range packages(t) {
		own, ok := floorOf(p.path)
		if !ok {
			t.Errorf("%s has no floor: give it one in floors, or in testOnly", p.path)
			continue
		}
		if isTestOnly(p.path) {
			continue
		}
		for _, imported := range p.Imports {
			path := inModule(imported)
			if path == "" {
				continue
			}
			if floor, _ := floorOf(path); floor >= own {
				t.Errorf("%s imports %s, which is not below it", p.path, path)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			path := inModule(imported)
			if path == "" || path == p.path || isTestOnly(path) {
				continue
			}
			if floor, _ := floorOf(path); floor >= own {
				t.Errorf("the tests of %s import %s, which is not below it", p.path, path)
			}
		}
	}
}
