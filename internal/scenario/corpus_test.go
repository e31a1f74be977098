package scenario

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The least that the corpus must hold. Files and steps are added, not taken away.
const (
	filesMin = 200
	stepsMin = 2400
)

// stepsOf reads a file's directives without running them.
func stepsOf(t *testing.T, path string) []*datadriven.TestData {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []*datadriven.TestData
	datadriven.RunTestFromString(t, string(text), func(t *testing.T, d *datadriven.TestData) string {
		step := *d
		steps = append(steps, &step)
		return d.Expected
	})
	return steps
}

func TestCorpus(t *testing.T) {
	steps := 0
	seen := map[string]string{}
	for _, path := range files(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: does not begin with a comment that says what it is about", path)
		}
		var shape strings.Builder
		for _, d := range stepsOf(t, path) {
			steps++
			st, err := parseStep(d)
			if err != nil {
				t.Errorf("%s: %v", d.Pos, err)
				continue
			}
			if strings.TrimSpace(d.Expected) == "" {
				t.Errorf("%s: has no expectation", d.Pos)
			}
			cmds, err := parseCommands(d.Input)
			if err != nil {
				t.Errorf("%s: %v", d.Pos, err)
			}
			if d.Cmd != "wait" && len(cmds) == 0 {
				t.Errorf("%s: has no command", d.Pos)
			}
			shape.WriteString(d.Cmd + " " + st.session + skeleton(t, d.Input) + "\n")
		}
		if other := seen[shape.String()]; other != "" {
			t.Errorf("%s and %s differ only in constants", path, other)
		}
		seen[shape.String()] = path
	}
	t.Logf("%d files, %d steps", len(seen), steps)
	if len(seen) < filesMin || steps < stepsMin {
		t.Errorf("%d files and %d steps: at least %d and %d are expected", len(seen), steps, filesMin, stepsMin)
	}
}

// skeleton is a step's commands without the constants in them.
func skeleton(t *testing.T, input string) string {
	var b strings.Builder
	dec := json.NewDecoder(strings.NewReader(input))
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			t.Error(err)
			return ""
		}
		b.WriteString(reConstant.ReplaceAllString(string(raw), ""))
	}
	return b.String()
}

// reConstant finds the numbers and the strings that are no names of fields.
var reConstant = regexp.MustCompile(`"(?:[^"\\]|\\.)*"\s*([,}\]])|-?\d[\d.eE+-]*`)

// TestDifferences holds what is marked differs or later and docs/differences.md together.
func TestDifferences(t *testing.T) {
	var marked []string
	for _, path := range files(t) {
		mark := func(prefix, why string) {
			name := strings.TrimSuffix(filepath.ToSlash(path[len("testdata/"):]), ".txt")
			line := "- `" + name + "`: " + prefix + why
			if why != "" && !slices.Contains(marked, line) {
				marked = append(marked, line)
			}
		}
		h, err := readHeader(path)
		if err != nil {
			t.Fatal(err)
		}
		mark("later: ", h.later)
		for _, d := range stepsOf(t, path) {
			st, err := parseStep(d)
			if err != nil {
				t.Fatalf("%s: %v", d.Pos, err)
			}
			mark("", st.differs)
			mark("later: ", st.later)
		}
	}
	text, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "- `") {
			listed = append(listed, line)
		}
	}
	for _, line := range marked {
		if !slices.Contains(listed, line) {
			t.Errorf("docs/differences.md lacks the line:\n%s", line)
		}
	}
	for _, line := range listed {
		if !slices.Contains(marked, line) {
			t.Errorf("docs/differences.md says what no scenario is marked with:\n%s", line)
		}
	}
}
