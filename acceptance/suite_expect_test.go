package acceptance

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// expectation is a line of suites/expectations.txt: a test of a suite, or with a * at
// the end all that begin so, and the heading that it stands under.
type expectation struct {
	suite, pattern, reason string
}

type expectations struct {
	failures, notRun []expectation
}

// readExpectations reads the file. A heading is "fails: reason" or "not run: reason";
// what follows it are lines of a suite's name and a test's. A # begins a comment.
func readExpectations(path string) (all expectations, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return all, err
	}
	var list *[]expectation
	var reason string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if r, ok := strings.CutPrefix(line, "fails: "); ok {
			list, reason = &all.failures, r
			continue
		}
		if r, ok := strings.CutPrefix(line, "not run: "); ok {
			list, reason = &all.notRun, r
			continue
		}
		name, pattern, ok := strings.Cut(line, " ")
		if !ok || list == nil || !slices.ContainsFunc(suites, func(s suite) bool { return s.name == name }) {
			return all, fmt.Errorf("%s: what does %q mean?", path, line)
		}
		*list = append(*list, expectation{name, pattern, reason})
	}
	return all, nil
}

// of is what is expected of one suite.
func (all expectations) of(suite string) (some expectations) {
	for _, e := range all.failures {
		if e.suite == suite {
			some.failures = append(some.failures, e)
		}
	}
	for _, e := range all.notRun {
		if e.suite == suite {
			some.notRun = append(some.notRun, e)
		}
	}
	return some
}

func (e expectation) speaksOf(test string) bool {
	below, all := strings.CutSuffix(e.pattern, "*")
	return test == e.pattern || all && strings.HasPrefix(test, below)
}

func find(list []expectation, test string) *expectation {
	if i := slices.IndexFunc(list, func(e expectation) bool { return e.speaksOf(test) }); i >= 0 {
		return &list[i]
	}
	return nil
}

// holds tells if what was expected to fail is no longer there, or passes.
func (e expectation) holds(got outcomes) error {
	fails := 0
	for test, o := range got {
		if e.speaksOf(test) && o.verdict == passed {
			return fmt.Errorf("%s passes: take it off the expected failures (%s)", test, e.reason)
		}
		if e.speaksOf(test) && o.verdict == failed {
			fails++
		}
	}
	if fails == 0 {
		return fmt.Errorf("%s, an expected failure (%s), has not run", e.pattern, e.reason)
	}
	return nil
}

// unexpected are the tests that failed and are not on the list.
func (got outcomes) unexpected(list []expectation) (names []string) {
	for test, o := range got {
		if o.verdict == failed && find(list, test) == nil {
			names = append(names, test)
		}
	}
	slices.Sort(names)
	return names
}
