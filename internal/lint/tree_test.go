package lint

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/testenv"
)

// text is a tracked text file.
type text struct {
	name string
	data []byte
}

// tracked returns the text files that git knows.
func tracked(t *testing.T) (texts []text) {
	t.Helper()
	out, err := run("git", "ls-files", "-z")
	if err != nil {
		testenv.Skip(t, "the tree is not a git repository: "+err.Error())
	}
	for name := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet.
		}
		if err != nil {
			t.Fatal(err)
		}
		if utf8.Valid(data) && !bytes.ContainsRune(data, 0) {
			texts = append(texts, text{name, data})
		}
	}
	return texts
}

// TestFormatted wants gofmt's form.
func TestFormatted(t *testing.T) {
	for _, f := range tracked(t) {
		if !strings.HasSuffix(f.name, ".go") || strings.Contains(f.name, "/testdata/") {
			continue
		}
		if want, err := format.Source(f.data); err != nil || !bytes.Equal(want, f.data) {
			t.Errorf("%s is not formatted by gofmt (%v)", f.name, err)
		}
	}
}

// TestNoMachinePaths: a path of one machine means nothing on another. (The
// pattern is written so that it does not find itself.)
func TestNoMachinePaths(t *testing.T) {
	path := regexp.MustCompile(`(^|[\s"'(=:` + "`" + `])/(work|root|Users|home/[a-z]+)/`)
	for _, f := range tracked(t) {
		for i, line := range bytes.Split(f.data, []byte("\n")) {
			if path.Match(line) {
				t.Errorf("%s:%d: a path of one machine", f.name, i+1)
			}
		}
	}
}

// TestLeftWithReason: what is left to do says why it is left.
func TestLeftWithReason(t *testing.T) {
	left := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b(.*)`)
	reason := regexp.MustCompile(`^: (\S+ ){3}`)
	for _, f := range tracked(t) {
		if !strings.HasSuffix(f.name, ".go") {
			continue
		}
		for i, line := range strings.Split(string(f.data), "\n") {
			m := left.FindStringSubmatch(line)
			if m != nil && (m[1][0] != 'T' || !reason.MatchString(m[2]+" ")) {
				t.Errorf("%s:%d: %s without a reason why it is left", f.name, i+1, m[1])
			}
		}
	}
}

// TestVet runs go vet once over everything.
func TestVet(t *testing.T) {
	if out, err := run("go", "vet", "./..."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
