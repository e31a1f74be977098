package expr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// RegexError is what is wrong with a pattern, in PCRE's words.
type RegexError struct{ Msg string }

// Error is PCRE's message.
func (e *RegexError) Error() string { return e.Msg }

// unsupportedError is a construct of PCRE that neither of our engines has.
type unsupportedError struct{ what string }

func (e *unsupportedError) Error() string { return e.what }

// pattern translates a PCRE pattern for one of two engines: Go's regexp, which
// takes linear time, or regexp2, which backtracks and knows look-around,
// back-references and atomic groups. Both then mean what PCRE means with UTF on
// and Unicode properties off: \d, \w, \s and \b are ASCII.
type pattern struct {
	in      string
	at      int
	out     strings.Builder
	slow    bool // write for regexp2.
	need    bool // only regexp2 can do it.
	ends    bool // matches the end of the text before a last newline too: see Regex.
	context bool // has an anchor or a word boundary: see Regex.
	names   map[string]int
	count   int // of capturing groups so far.
	total   int // of capturing groups in the whole pattern.

	groups []group
	atom   int  // where in out the last atom began; -1 if nothing may be repeated.
	fixed  bool // within a look-behind.
}

// group is an open group and what to restore at its end.
type group struct {
	start               int
	extended, multiline bool
	lookbehind          bool // whether the group around is within a look-behind.
}

// state of the options that inline flags change.
type patternFlags struct{ extended, multiline bool }

// The longest pattern, and how many groups may be open at once.
const (
	patternBytesMax = 16 << 10
	groupsMax       = 250
)

// translate returns the engine's pattern. The names of groups are dropped:
// groups have numbers only.
func (p *pattern) translate(flags patternFlags) (string, error) {
	if len(p.in) > patternBytesMax {
		return "", &RegexError{"pattern string is longer than the limit set by the application"}
	}
	p.names = map[string]int{}
	p.total = countGroups(p.in)
	p.atom = -1
	for p.at < len(p.in) {
		if err := p.step(&flags); err != nil {
			return "", err
		}
		if len(p.groups) > groupsMax {
			return "", &RegexError{"parentheses are too deeply nested"}
		}
	}
	if len(p.groups) > 0 {
		return "", &RegexError{"missing closing parenthesis"}
	}
	return p.out.String(), nil
}

// countGroups counts capturing groups well enough to tell references to groups
// that do not exist.
func countGroups(s string) int {
	n, class := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case class:
			class = s[i] != ']'
		case s[i] == '[':
			class = true
			if strings.HasPrefix(s[i+1:], "]") || strings.HasPrefix(s[i+1:], "^]") {
				i = strings.IndexByte(s[i:], ']') + i
			}
		case s[i] != '(':
		case !strings.HasPrefix(s[i+1:], "?") && !strings.HasPrefix(s[i+1:], "*"):
			n++
		case namedGroup.MatchString(s[i+1:]):
			n++
		}
	}
	return n
}

var namedGroup = regexp.MustCompile(`^\?(?:P?<[^=!]|')`)

// step translates one item.
func (p *pattern) step(f *patternFlags) error {
	c := p.in[p.at]
	switch c {
	case '\\':
		return p.escape()
	case '[':
		return p.class()
	case '(':
		return p.open(f)
	case ')':
		if len(p.groups) == 0 {
			return &RegexError{"unmatched closing parenthesis"}
		}
		g := p.groups[len(p.groups)-1]
		p.groups = p.groups[:len(p.groups)-1]
		f.extended, f.multiline, p.fixed = g.extended, g.multiline, g.lookbehind
		p.out.WriteByte(')')
		p.at++
		p.atom = g.start
		return nil
	case '*', '+', '?':
		return p.quantifier(string(c), p.at+1)
	case '{':
		if m := repeatPattern.FindString(p.in[p.at:]); m != "" {
			return p.quantifier(m, p.at+len(m))
		}
	case '|', '^':
		p.context = p.context || c == '^'
		p.out.WriteByte(c)
		p.at++
		p.atom = -1
		return nil
	case '$':
		p.at++
		p.atom = -1
		p.end(f.multiline)
		return nil
	case '.':
		p.emit(".", 1)
		return nil
	}
	if f.extended {
		if strings.IndexByte(" \t\n\v\f\r", c) >= 0 {
			p.at++
			return nil
		}
		if c == '#' {
			n := strings.IndexByte(p.in[p.at:], '\n')
			if n < 0 {
				n = len(p.in) - p.at - 1
			}
			p.at += n + 1
			return nil
		}
	}
	_, size := utf8.DecodeRuneInString(p.in[p.at:])
	p.emit(quote(p.in[p.at:p.at+size]), size)
	return nil
}

var repeatPattern = regexp.MustCompile(`^\{\d+(?:,\d*)?\}`)

// emit writes an atom that took n bytes of the pattern.
func (p *pattern) emit(s string, n int) {
	p.atom = p.out.Len()
	p.out.WriteString(s)
	p.at += n
}

// quote makes text mean itself in both engines.
func quote(s string) string {
	if len(s) == 1 && strings.IndexByte(`\.+*?()|[]{}^$#- `, s[0]) >= 0 {
		return `\` + s
	}
	return s
}

// end is the end of the text, or before a newline that ends it.
func (p *pattern) end(multiline bool) {
	switch {
	case multiline || p.slow:
		p.out.WriteByte('$')
	default:
		p.out.WriteString(`\z`)
		p.ends = true
	}
}

// quantifier repeats the last atom.
func (p *pattern) quantifier(q string, next int) error {
	if p.atom < 0 {
		return &RegexError{"quantifier does not follow a repeatable item"}
	}
	if q[0] == '{' {
		lo, hi, err := repeatBounds(q)
		if err != nil {
			return err
		}
		p.need = p.need || lo > 1000 || hi > 1000 // the limit of Go's regexp.
		if p.fixed && lo != hi {
			return &RegexError{"lookbehind assertion is not fixed length"}
		}
	} else if p.fixed {
		return &RegexError{"lookbehind assertion is not fixed length"}
	}
	p.at = next
	switch {
	case strings.HasPrefix(p.in[next:], "?"):
		q += "?"
		p.at++
	case strings.HasPrefix(p.in[next:], "+"):
		p.need = true
		p.at++
		whole := p.out.String()
		p.out.Reset()
		p.out.WriteString(whole[:p.atom] + "(?>" + whole[p.atom:] + q + ")")
		p.atom = -1
		return nil
	}
	p.out.WriteString(q)
	p.atom = -1
	return nil
}

// repeatBounds reads {n}, {n,} and {n,m}; hi is -1 without an end.
func repeatBounds(q string) (lo, hi int, err error) {
	low, high, comma := strings.Cut(q[1:len(q)-1], ",")
	lo, e := strconv.Atoi(low)
	hi = lo
	if comma {
		hi = -1
	}
	if high != "" && e == nil {
		hi, e = strconv.Atoi(high)
	}
	switch {
	case e != nil || lo > 65535 || hi > 65535:
		return 0, 0, &RegexError{"number too big in {} quantifier"}
	case hi >= 0 && hi < lo:
		return 0, 0, &RegexError{"numbers out of order in {} quantifier"}
	}
	return lo, hi, nil
}

// open begins a group, or reads what only looks like one.
func (p *pattern) open(f *patternFlags) error {
	rest := p.in[p.at+1:]
	begin := func(head string, n int, capture bool) {
		p.groups = append(p.groups, group{start: p.out.Len(), extended: f.extended, multiline: f.multiline, lookbehind: p.fixed})
		p.out.WriteString(head)
		p.at += n
		p.atom = -1
		if capture {
			p.count++
		}
	}
	switch {
	case strings.HasPrefix(rest, "*"):
		for _, verb := range []string{"(*UTF8)", "(*UTF)"} {
			if p.at == 0 && strings.HasPrefix(p.in, verb) {
				p.at += len(verb)
				return nil
			}
		}
		return &unsupportedError{"the regular expression verb (*"}
	case !strings.HasPrefix(rest, "?"):
		begin("(", 1, true)
		return nil
	case strings.HasPrefix(rest, "?#"):
		n := strings.IndexByte(rest, ')')
		if n < 0 {
			return &RegexError{"missing ) after (?# comment"}
		}
		p.at += n + 2
		return nil
	case strings.HasPrefix(rest, "?:"):
		begin("(?:", 3, false)
		return nil
	case strings.HasPrefix(rest, "?>"), strings.HasPrefix(rest, "?="), strings.HasPrefix(rest, "?!"):
		p.need = true
		begin("("+rest[:2], 3, false)
		return nil
	case strings.HasPrefix(rest, "?<="), strings.HasPrefix(rest, "?<!"):
		p.need = true
		begin("("+rest[:3], 4, false)
		p.fixed = true
		return nil
	case strings.HasPrefix(rest, "?P="):
		return p.nameReference(rest[3:], ')', 4)
	case strings.HasPrefix(rest, "?P>"), strings.HasPrefix(rest, "?&"), strings.HasPrefix(rest, "?R"), len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9',
		strings.HasPrefix(rest, "?|"), strings.HasPrefix(rest, "?("), strings.HasPrefix(rest, "?C"):
		return &unsupportedError{"the regular expression construct (" + rest[:2]}
	case strings.HasPrefix(rest, "?P<"):
		return p.openNamed(rest[3:], '>', 4, begin)
	case strings.HasPrefix(rest, "?<"):
		return p.openNamed(rest[2:], '>', 3, begin)
	case strings.HasPrefix(rest, "?'"):
		return p.openNamed(rest[2:], '\'', 3, begin)
	}
	return p.inlineFlags(rest[1:], f, begin)
}

// openNamed begins a group whose name stands before the end mark.
func (p *pattern) openNamed(rest string, end byte, n int, begin func(string, int, bool)) error {
	name := rest[:identifierLen(rest)]
	switch {
	case rest != "" && rest[0] >= '0' && rest[0] <= '9':
		return &RegexError{"subpattern name must start with a non-digit"}
	case name == "":
		return &RegexError{"subpattern name expected"}
	case len(name) == len(rest) || rest[len(name)] != end:
		return &RegexError{"syntax error in subpattern name (missing terminator?)"}
	}
	if _, ok := p.names[name]; ok {
		return &RegexError{"two named subpatterns have the same name (PCRE2_DUPNAMES not set)"}
	}
	begin("(", n+len(name)+1, true)
	p.names[name] = p.count
	return nil
}

func identifierLen(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] >= 0x80) {
		n++
	}
	return n
}

// inlineFlags reads (?i), (?i-s), (?x:…).
func (p *pattern) inlineFlags(rest string, f *patternFlags, begin func(string, int, bool)) error {
	on, off := "", ""
	minus := false
	next := *f
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; c {
		case '-':
			minus = true
		case '^':
			next = patternFlags{}
			off += "ims"
		case 'i', 'm', 's', 'x', 'n', 'J', 'U', 'a':
			switch c {
			case 'x':
				next.extended = !minus
				continue
			case 'm':
				next.multiline = !minus
			case 'i', 's':
			default:
				return &unsupportedError{"the regular expression option (?" + string(c)}
			}
			if minus {
				off += string(c)
			} else {
				on += string(c)
			}
		case ')', ':':
			flags := on
			if off != "" {
				flags += "-" + off
			}
			if c == ':' {
				begin("(?"+flags+":", 2+i+1, false)
			} else {
				p.at += 2 + i + 1
				if flags != "" {
					p.out.WriteString("(?" + flags + ")")
				}
			}
			*f = next
			return nil
		default:
			return &RegexError{"unrecognized character after (? or (?-"}
		}
	}
	return &RegexError{"missing closing parenthesis"}
}

// nameReference is a back-reference by name.
func (p *pattern) nameReference(rest string, end byte, n int) error {
	name := rest[:identifierLen(rest)]
	if name == "" || len(name) == len(rest) || rest[len(name)] != end {
		return &RegexError{"syntax error in subpattern name (missing terminator?)"}
	}
	number, ok := p.names[name]
	if !ok {
		return &RegexError{"reference to non-existent subpattern"}
	}
	return p.reference(number, n+len(name)+1)
}

// reference is a back-reference that took n bytes of the pattern.
func (p *pattern) reference(number, n int) error {
	if number > p.total {
		return &RegexError{"reference to non-existent subpattern"}
	}
	p.need = true
	// In a group of its own, so that a digit after it is not part of the number.
	p.emit(fmt.Sprintf(`(?:\%d)`, number), n)
	return nil
}
