package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/mongoerr"
)

func TestRegexMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, options, text string
		want                   bool
	}{
		{"^a", "", "abc", true},
		{"A", "i", "xax", true},
		{"a$", "", "a\n", true},
		{"a\\z", "", "a\n", false},
		{"^b", "m", "a\nb", true},
		{"a.b", "s", "a\nb", true},
		{"a # c\n b", "x", "ab", true},
		{"(a)(b)?\\1", "", "aba", true},
		{"a++b", "", "aaab", true},
		{"a++ab", "", "aaab", false},
		{"(?<=x)y", "", "xy", true},
		{"[\\w-]+@", "", "a-b@", true},
		{"[]a]", "", "]", true},
		{"[^]a]", "", "a", false},
		{"\\d{1,1200}", "", "123", true},
		{"\\bé", "", "é", false},
		{"(?i:a)b", "", "Ab", true},
		{"(?i:a)b", "", "AB", false},
		{"{", "", "{", true},
		{"a{,2}", "", "a{,2}", true},
	} {
		re, err := CompileRegex(c.pattern, c.options)
		if err != nil {
			t.Errorf("/%s/%s: %v", c.pattern, c.options, err)
			continue
		}
		if got, err := re.Match(c.text); got != c.want || err != nil {
			t.Errorf("/%s/%s on %q: %v %v", c.pattern, c.options, c.text, got, err)
		}
	}
}

// TestRegexLimit checks that a pattern that backtracks without end does end.
func TestRegexLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the limit")
	}
	re, err := CompileRegex("^(a|aa)+\\1$", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = re.Match(strings.Repeat("a", 60) + "b")
	if e, ok := errors.AsType[*mongoerr.Error](err); !ok || e.Code != 51156 {
		t.Errorf("got %v", err)
	}
}

func TestRegexPrefix(t *testing.T) {
	for _, c := range []struct {
		pattern, options, prefix string
		exact                    bool
	}{
		{"^abc", "", "abc", true},
		{"^abc.*", "s", "abc", true},
		{"^abc.*", "", "abc", false},
		{"^ab?", "", "a", false},
		{"^ab+", "", "ab", false},
		{"^a\\.b", "", "a.b", true},
		{"^a\\d", "", "a", false},
		{"^a|b", "", "", false},
		{"^abc", "i", "", false},
		{"abc", "", "", false},
		{"\\Aab[c]", "", "ab", false},
	} {
		if prefix, exact := RegexPrefix(c.pattern, c.options); prefix != c.prefix || exact != c.exact {
			t.Errorf("/%s/%s: %q %v", c.pattern, c.options, prefix, exact)
		}
	}
}

// TestRegexSize holds the limits of a pattern's own size, in the reference server's words.
func TestRegexSize(t *testing.T) {
	for _, c := range []struct{ name, pattern, want string }{
		{"longest", strings.Repeat("a", 16384), ""},
		{"too long", strings.Repeat("a", 16385), "pattern string is longer than the limit set by the application"},
		{"deepest", strings.Repeat("(", 250) + strings.Repeat(")", 250), ""},
		{"too deep", strings.Repeat("(?:", 251) + strings.Repeat(")", 251), "parentheses are too deeply nested"},
		{"many groups", strings.Repeat("()", 251), ""},
	} {
		_, err := CompileRegex(c.pattern, "")
		if got, ok := errors.AsType[*RegexError](err); c.want == "" && err != nil || c.want != "" && (!ok || got.Msg != c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestRegexUnfolds checks that repetitions within repetitions, which would make a
// program of a million steps for each byte of a text, are left to the engine whose time
// is limited.
func TestRegexUnfolds(t *testing.T) {
	re, err := CompileRegex("((a{0,100}){0,100}){0,90}b", "")
	if err != nil {
		t.Fatal(err)
	}
	if re.fast != nil {
		t.Error("it is matched without a limit")
	}
	if ok, err := re.Match("aab"); !ok || err != nil {
		t.Error(ok, err)
	}
}
