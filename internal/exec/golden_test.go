package exec

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A golden file is a list of cases. A line "with [docs]" is what collection c
// holds for the pipelines that follow, "other [docs]" the same for collection d,
// and "database" has them run without a collection. "notyet" says that we refuse
// the next pipeline with 238; "differs <why>" that we answer otherwise.
// Every other line is a pipeline, and the line after it is what the reference
// server answered: "= [documents]" or "! code message".
// PANDO_REFERENCE_URI=mongodb://… go test -run TestRecord writes the answers anew.

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
	var out strings.Builder
	for _, c := range cases {
		fmt.Fprintln(&out, c.text)
		if !c.directive {
			fmt.Fprintln(&out, c.want)
		}
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/aggregate/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	return files
}

// parseJSON reads one extended JSON value, as the single field v of a document.
func parseJSON(t *testing.T, s string) bson.RawValue {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+s+`}`), false, &d); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return bson.Raw(raw).Lookup("v")
}

// printDocs is the form of a result in a golden file.
func printDocs(t *testing.T, docs []bson.Raw) string {
	t.Helper()
	parts := make([]string, len(docs))
	for i, d := range docs {
		out, err := bson.MarshalExtJSON(d, true, false)
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = string(out)
	}
	return "= [" + strings.Join(parts, ", ") + "]"
}

func printError(code int32, msg string) string {
	return fmt.Sprintf("! %d %s", code, strings.NewReplacer("\n", `\n`, "\x00", `\0`).Replace(msg))
}
