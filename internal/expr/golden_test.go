package expr

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/golden"
)

// A golden file is a list of cases. A line "with DOC" sets the document that
// the following expressions are evaluated on; every other line is an
// expression, and the line after it is what the reference server answered:
// "= {"r": value}", where a missing value is {}, or "! code message".
// A third line "~ …" is our own answer where it is known to differ; the file's
// head says why.
// PANDO_RECORD=1 PANDO_REFERENCE_URI=mongodb://… go test -run TestRecord writes the answers anew.

// goldenCase is one expression and its recorded answer.
type goldenCase struct {
	line      int
	with      string
	expr      string
	want      string
	ours      string // our answer, where it differs.
	directive bool   // the line is not an expression and is kept as it is.
}

func readGolden(t testing.TB, path string) []goldenCase {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []goldenCase
	with := "{}"
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		line := scan.Text()
		switch {
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "! "):
			cases[len(cases)-1].want = line
		case strings.HasPrefix(line, "~ "):
			cases[len(cases)-1].ours = strings.TrimPrefix(line, "~ ")
		case line == "", strings.HasPrefix(line, "#"):
			cases = append(cases, goldenCase{line: n, expr: line, directive: true})
		case strings.HasPrefix(line, "with "):
			with = strings.TrimPrefix(line, "with ")
			cases = append(cases, goldenCase{line: n, expr: line, directive: true})
		default:
			cases = append(cases, goldenCase{line: n, with: with, expr: line})
		}
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
		lines = append(lines, c.expr)
		if !c.directive {
			lines = append(lines, c.want)
			if c.ours != "" {
				lines = append(lines, "~ "+c.ours)
			}
		}
	}
	golden.Write(t, path, lines)
}

func goldenFiles(t testing.TB) []string { return golden.Files(t, "testdata/*.txt") }
