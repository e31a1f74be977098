package acceptance

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// suite is one test program of a driver.
type suite struct {
	name   string // as suites/expectations.txt has it.
	kit    *kit
	binary string // in the kit's folder.
	dir    string // where it runs, in the kit's folder.
}

var (
	driver1 = suiteKit("driver1")
	driver2 = suiteKit("driver2")
	suites  = []suite{
		{"go1/integration", driver1, "integration.test", "src/mongo/integration"},
		{"go2/unified", driver2, "unified.test", "src/internal/integration/unified"},
		{"go2/integration", driver2, "integration.test", "src/internal/integration"},
		{"go1/unified", driver1, "unified.test", "src/mongo/integration/unified"},
	}
)

// suiteKit is a driver's own tests, copied and built by a script.
func suiteKit(name string) *kit {
	script := name + ".sh"
	return &kit{
		name: name, version: "suites/" + script, tools: []string{"go", "python3", "tar"},
		install: func(ctx context.Context, dir string) *exec.Cmd {
			return exec.CommandContext(ctx, "sh", dir+"/"+script, dir)
		},
	}
}

// quickHeartbeats has the drivers look for their server often. Many tests have them lose
// it, and would then wait for the next of the heartbeats, ten seconds apart.
const quickHeartbeats = replicaSet + "&heartbeatFrequencyMS=500"

// suiteTries is how often a test that fails is tried. The drivers' suites measure
// times in tens of milliseconds, and this machine may be busy with something else;
// what the server does wrong it does wrong each time.
const suiteTries = 3

// TestDriverSuites runs the Go drivers' own integration tests, each program against a
// server of its own. What fails must be among the expected failures of
// suites/expectations.txt, and what is listed there must fail.
//
// Against a server that is told (PANDO_ACCEPTANCE_URI) no failure is expected: MongoDB
// as a replica set of one passes all that is not left out.
func TestDriverSuites(t *testing.T) {
	all, err := readExpectations("suites/expectations.txt")
	if err != nil {
		t.Fatal(err)
	}
	told := os.Getenv("PANDO_ACCEPTANCE_URI") != ""
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			if !told {
				t.Parallel() // on a server that all share, the suites would kill each other's sessions.
			}
			want := all.of(s.name)
			if told {
				want.failures = nil
			}
			s.test(t, want)
		})
	}
}

func (s suite) test(t *testing.T, want expectations) {
	p := program{suite: s, kit: s.kit.need(t)}
	got := p.run(t, quickHeartbeats, nil, want.notRun)
	if t.Failed() {
		return // it did not get to its end.
	}
	var again []string
	for try := 1; ; try++ {
		if again = got.unexpected(want.failures); len(again) == 0 || try == suiteTries {
			break
		}
		t.Logf("failed at try %d, tried again: %s", try, strings.Join(again, ", "))
		// As it is by default: a few tests count heartbeats.
		maps.Copy(got, p.run(t, replicaSet, again, nil))
	}
	for _, name := range again {
		t.Errorf("%s\n%s", name, got[name].output)
	}
	for _, e := range want.failures {
		if err := e.holds(got); err != nil {
			t.Error(err)
		}
	}
	summary(t, s.name, got, want)
}

// summary tells how many tests passed, and how many failed as expected, by reason: to
// the test's log, and to the file that PANDO_SUMMARY names.
func summary(t *testing.T, name string, got outcomes, want expectations) {
	counts, reasons := map[string]int{}, map[string]int{}
	for test, o := range got {
		counts[o.verdict]++
		if e := find(want.failures, test); e != nil && o.verdict == failed {
			reasons[e.reason]++
		}
	}
	line := fmt.Sprintf("%s: %d passed, %d skipped by the suite", name, counts[passed], counts[skipped])
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		line += fmt.Sprintf(", %d failed as expected (%s)", reasons[r], r)
	}
	t.Log(line)
	if path := os.Getenv("PANDO_SUMMARY"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		fmt.Fprintln(f, line)
	}
}
