package expr

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A golden file is a list of cases. A line "with DOC" sets the document that
// the following expressions are evaluated on; every other line is an
// expression, and the line after it is what the reference server answered:
// "= {"r": value}", where a missing value is {}, or "! code message".
// A third line "~ …" is our own answer where it is known to differ; the file's
// head says why.
// PANDO_REFERENCE_URI=mongodb://… go test -run TestRecord writes the answers anew.

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
	var out strings.Builder
	for _, c := range cases {
		fmt.Fprintln(&out, c.expr)
		if !c.directive {
			fmt.Fprintln(&out, c.want)
			if c.ours != "" {
				fmt.Fprintln(&out, "~ "+c.ours)
			}
		}
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goldenFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	return files
}

// parseJSON reads one extended JSON value, as the single field of a document.
func parseJSON(t testing.TB, s string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+s+`}`), false, &d); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// printJSON is the form of a result in a golden file.
func printJSON(t *testing.T, d bson.Raw) string {
	t.Helper()
	out, err := bson.MarshalExtJSON(d, true, false)
	if err != nil {
		t.Fatal(err)
	}
	return "= " + string(out)
}

func printError(code int32, msg string) string {
	return fmt.Sprintf("! %d %s", code, strings.NewReplacer("\n", `\n`, "\x00", `\0`).Replace(msg))
}
