package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// suiteWait bounds one run of a suite's program.
const suiteWait = 8 * time.Minute

// The verdicts on a test, in the words of go test -json.
const (
	passed  = "pass"
	failed  = "fail"
	skipped = "skip"
)

// outcome is what became of one test.
type outcome struct {
	verdict string
	output  string
}

// outcomes are the tests without subtests, and those that failed though no subtest did.
type outcomes map[string]outcome

// program is a suite's program in the folder where it was built.
type program struct {
	suite
	kit string
}

// run runs the program's tests, or only those that are named, against a server of its
// own, with options of the connection string, and leaves out what is not to be run.
func (p program) run(t *testing.T, options string, only []string, notRun []expectation) outcomes {
	t.Helper()
	args := []string{"tool", "test2json", "-t", filepath.Join(p.kit, p.binary), "-test.v=test2json", "-test.timeout", (suiteWait - 10*time.Second).String()}
	if len(only) > 0 {
		args = append(args, "-test.run", alternatives(only))
	}
	if len(notRun) > 0 {
		var names []string
		for _, e := range notRun {
			names = append(names, e.pattern)
		}
		args = append(args, "-test.skip", alternatives(names))
	}
	ctx, cancel := context.WithTimeout(t.Context(), suiteWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(p.kit, p.dir)
	cmd.Env = append(os.Environ(), "MONGODB_URI="+target(t, "--setParameter", "enableTestCommands=1")(options), "GOWORK=off", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Fatal(err)
	}
	if at := bytes.Index(text, []byte(`"Output":"panic: `)); at >= 0 {
		t.Errorf("the program did not get to its end:\n%s", text[at:min(len(text), at+2000)])
	}
	got, events := readOutcomes(text)
	if events == 0 {
		t.Fatalf("%s has run no test: %v\n%s\n%s", p.name, err, text, &stderr)
	}
	return got
}

// alternatives is a pattern, as -test.run and -test.skip take it, of just these tests.
// A name that ends in /* stands for all below it, one that ends in * for all that
// begin so.
func alternatives(names []string) string {
	var all []string
	for _, name := range names {
		name, open := strings.CutSuffix(strings.TrimSuffix(name, "/*"), "*")
		parts := strings.Split(name, "/")
		for i, part := range parts {
			parts[i] = "^" + regexp.QuoteMeta(part)
			if i < len(parts)-1 || !open {
				parts[i] += "$"
			}
		}
		all = append(all, strings.Join(parts, "/"))
	}
	return strings.Join(all, "|")
}

// readOutcomes reads the events of go test -json, and tells how many there were.
func readOutcomes(text []byte) (outcomes, int) {
	all, parents, events := outcomes{}, map[string]bool{}, 0
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue
		}
		events++
		o := all[e.Test]
		switch e.Action {
		case "run":
			o.verdict = failed // until it says otherwise: it may never end.
		case passed, failed, skipped:
			o.verdict = e.Action
		case "output":
			o.output += e.Output
		}
		all[e.Test] = o
	}
	// A test fails with its subtests; then it is they that count.
	for name, o := range all {
		for i, c := range name {
			if c == '/' && (o.verdict == failed || all[name[:i]].verdict != failed) {
				parents[name[:i]] = true
			}
		}
	}
	for name := range parents {
		delete(all, name)
	}
	return all, events
}
