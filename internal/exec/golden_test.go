package exec

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/golden"
)

// A golden file is a list of cases. A line "with [docs]" is what collection c
// holds for the pipelines that follow, "other [docs]" the same for collection d,
// and "database" has them run without a collection. "notyet" says that we refuse
// the next pipeline with 238; "differs <why>" that we answer otherwise.
// Every other line is a pipeline, and the line after it is what the reference
// server answered: "= [documents]" or "! code message".
// PANDO_RECORD=1 PANDO_REFERENCE_URI=mongodb://… go test -run TestRecord writes the answers anew.

// goldenCase is one pipeline and its recorded answer.
type goldenCase struct {
	line      int
	with      string
	other     string
	database  bool
	notYet    bool // we refuse it.
	differs   bool // we answer otherwise.
	text      string
	want      string
	directive bool // the line is not a pipeline and is kept as it is.
}

func readGolden(t *testing.T, path string) []goldenCase {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []goldenCase
	state := goldenCase{with: "[]", other: "[]"}
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		line := scan.Text()
		c := state
		c.line, c.text = n, line
		switch {
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "! "):
			cases[len(cases)-1].want = line
			continue
		case strings.HasPrefix(line, "with "):
			state.with, c.directive = strings.TrimPrefix(line, "with "), true
		case strings.HasPrefix(line, "other "):
			state.other, c.directive = strings.TrimPrefix(line, "other "), true
		case line == "database":
			state.database, c.directive = true, true
		case line == "notyet":
			state.notYet, c.directive = true, true
		case strings.HasPrefix(line, "differs "):
			state.differs, c.directive = true, true
		case line == "", strings.HasPrefix(line, "#"):
			c.directive = true
		default:
			state.notYet, state.differs = false, false
		}
		cases = append(cases, c)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

func writeGolden(t *testing.T, path string, cases []goldenCase) {
	t.Helper()
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.text)
		if !c.directive {
			lines = append(lines, c.want)
		}
	}
	golden.Write(t, path, lines)
}

func goldenFiles(t *testing.T) []string { return golden.Files(t, "testdata/aggregate/*.txt") }

// printDocs is the form of a result in a golden file.
func printDocs(t *testing.T, docs []bson.Raw) string {
	t.Helper()
	parts := make([]string, len(docs))
	for i, d := range docs {
		parts[i] = golden.Doc(t, d)
	}
	return "= [" + strings.Join(parts, ", ") + "]"
}
