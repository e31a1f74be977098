package scenario

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// transactionAreas are the areas whose files are all about transactions.
var transactionAreas = []string{"txn", "retry", "sessions", "concern"}

// reScenario finds the names of scenario files in a page: `area/name`.
var reScenario = regexp.MustCompile("`([a-z]+)/([a-z0-9_]+)`")

// TestTransactionsPage holds docs/transactions.md and the corpus together: what it
// names is there, and each file about transactions is named by it.
func TestTransactionsPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/transactions.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range reScenario.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "internal" || m[1] == "kv" {
			continue // a package.
		}
		named[m[1]+"/"+m[2]] = true
	}
	there := map[string]bool{}
	for _, path := range files(t) {
		name := strings.TrimSuffix(filepath.ToSlash(path[len("testdata/"):]), ".txt")
		there[name] = true
		area, _, _ := strings.Cut(name, "/")
		if slices.Contains(transactionAreas, area) && !named[name] {
			t.Errorf("docs/transactions.md does not say which rule %s shows", name)
		}
	}
	for name := range named {
		if !there[name] {
			t.Errorf("docs/transactions.md names %s, which is not there", name)
		}
	}
}
