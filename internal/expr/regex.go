package expr

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"

	"github.com/pandodb/pando/internal/mongoerr"
)

// Regex is a compiled regular expression, with PCRE's meaning. It may be used
// by any number of goroutines at once.
type Regex struct {
	fast *regexp.Regexp // nil if the pattern needs what it cannot do.
	// ends: PCRE's $ also matches before a newline that ends the text, and Go's
	// does not. Texts that end so go the slow way.
	ends    bool
	context bool // a match depends on what comes before it.
	slow    func() (*regexp2.Regexp, error)
	groups  int
}

// matchTime is how long a pattern may backtrack on one text.
const matchTime = 2 * time.Second

// errMatchLimit is the failure of a pattern that backtracked for too long, as a
// filter tells it; expressions name their operator.
var errMatchLimit = mongoerr.New(51156, "Error occurred while executing the regular expression. Result code: match limit exceeded")

// CompileRegex compiles a pattern with the options i, m, s, x and u; the caller
// has checked the options. A bad pattern gives a *RegexError with PCRE's
// message, to which the caller adds a code and where it was; a construct that
// PCRE knows and we do not gives a *mongoerr.Error.
func CompileRegex(pat, options string) (*Regex, error) {
	head, flags := "", patternFlags{}
	for _, o := range options {
		switch o {
		case 'i', 's', 'm':
			if !strings.ContainsRune(head, o) {
				head += string(o)
			}
			flags.multiline = flags.multiline || o == 'm'
		case 'x':
			flags.extended = true
		}
	}
	if head != "" {
		head = "(?" + head + ")"
	}
	p := pattern{in: pat}
	text, err := p.translate(flags)
	if err != nil {
		if u, ok := err.(*unsupportedError); ok {
			return nil, mongoerr.NotYet(u.what)
		}
		return nil, err
	}
	r := &Regex{groups: p.count, ends: p.ends, context: p.context}
	if !p.need {
		// A pattern that only Go's regexp does not like is left to the other.
		if r.fast, err = regexp.Compile(head + text); err != nil || unfolds(head+text) {
			r.fast = nil
		}
	}
	r.slow = sync.OnceValues(func() (*regexp2.Regexp, error) {
		p := pattern{in: pat, slow: true}
		text, err := p.translate(flags)
		if err != nil {
			return nil, err
		}
		re, err := regexp2.Compile(head+wideRunes.ReplaceAllStringFunc(text, narrow), regexp2.None)
		if err == nil {
			re.MatchTimeout = matchTime
		}
		return re, err
	})
	if r.fast == nil {
		if _, err := r.slow(); err != nil {
			return nil, mongoerr.NotYet("the regular expression /" + pat + "/").Because(err)
		}
	}
	return r, nil
}

// programMax is how many steps Go's regexp may make of a pattern. Its time is linear in
// the text and in those, and nothing ends it.
const programMax = 4096

// unfolds tells whether repetitions within repetitions make a pattern too long for Go's
// regexp, which writes each of them out; regexp2 counts.
func unfolds(text string) bool {
	if !strings.Contains(text, "{") {
		return false
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return true
	}
	prog, err := syntax.Compile(re.Simplify())
	return err != nil || len(prog.Inst) > programMax
}

// wideRunes are the characters that translate writes as \x{…}, which regexp2
// takes as they are.
var wideRunes = regexp.MustCompile(`\\x\{10FFFF\}`)

func narrow(string) string { return string(rune(utf8.MaxRune)) }

// useFast tells whether Go's regexp gives PCRE's answer on s.
func (r *Regex) useFast(s string) bool {
	return r.fast != nil && !(r.ends && strings.HasSuffix(s, "\n"))
}

// Match tells whether the pattern matches somewhere in s. It fails only if the
// pattern backtracks for too long.
func (r *Regex) Match(s string) (bool, error) {
	if r.useFast(s) {
		return r.fast.MatchString(s), nil
	}
	re, err := r.slow()
	if err != nil {
		return false, err
	}
	ok, err := re.MatchString(s)
	if err != nil {
		err = errMatchLimit
	}
	return ok, err
}

// find is the first match in s from the byte at on: pairs of byte offsets, of
// the match and then of each group, -1 where a group took no part; nil if there
// is no match.
func (r *Regex) find(s string, at int) ([]int, error) {
	// Go's regexp cannot start in the middle and still see what comes before.
	if r.useFast(s) && (at == 0 || !r.context) {
		loc := r.fast.FindStringSubmatchIndex(s[at:])
		for i := range loc {
			if loc[i] >= 0 {
				loc[i] += at
			}
		}
		return loc, nil
	}
	re, err := r.slow()
	if err != nil {
		return nil, err
	}
	m, err := re.FindStringMatchStartingAt(s, at)
	if err != nil {
		return nil, errMatchLimit
	}
	if m == nil {
		return nil, nil
	}
	loc := make([]int, 2*r.groups+2)
	for i := range loc {
		loc[i] = -1
	}
	for i, g := range m.Groups() {
		if len(g.Captures) > 0 && i <= r.groups {
			index, length := g.ByteRange()
			loc[2*i], loc[2*i+1] = index, index+length
		}
	}
	return loc, nil
}

// regexKey is a pattern and its options, for the cache of those that are
// computed.
type regexKey struct{ pattern, options string }

// RegexPrefix is the literal text that every match begins with, at the
// beginning of the string, for patterns that begin with ^ or \A and have no
// options: a planner's bounds. exact is true if whatever begins so matches.
func RegexPrefix(pat, options string) (prefix string, exact bool) {
	if strings.ContainsAny(options, "imx") {
		return "", false
	}
	switch {
	case strings.HasPrefix(pat, "^"):
		pat = pat[1:]
	case strings.HasPrefix(pat, `\A`):
		pat = pat[2:]
	default:
		return "", false
	}
	if strings.ContainsRune(pat, '|') {
		return "", false
	}
	var out strings.Builder
	for len(pat) > 0 {
		r, size := utf8.DecodeRuneInString(pat)
		lit := string(r)
		if pat[0] == '\\' {
			if len(pat) < 2 || isWordByte(pat[1]) || pat[1] >= 0x80 {
				return out.String(), false
			}
			lit, size = pat[1:2], 2
		} else if strings.ContainsRune(`.[](){}*+?$^|`, r) {
			return out.String(), pat == ".*" && strings.Contains(options, "s")
		}
		if rest := pat[size:]; rest != "" && strings.IndexByte("*?{", rest[0]) >= 0 {
			return out.String(), false // the character may be absent.
		} else if rest != "" && rest[0] == '+' {
			return out.String() + lit, false
		}
		out.WriteString(lit)
		pat = pat[size:]
	}
	return out.String(), true
}

func isWordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}
