package expr

import (
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The classes that a letter stands for, as the inside of a bracketed class, and
// their complements. Both engines' own \w and \s differ from PCRE's.
const (
	digits     = `0-9`
	words      = `0-9A-Za-z_`
	spaces     = `\t\n\x0b\f\r\x20`
	horizontal = "\\t\\x20\u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
	vertical   = "\\n\\x0b\\f\\r\u0085\u2028\u2029"
)

func classOf(letter byte) (inside string, negated, ok bool) {
	switch letter {
	case 'd', 'D':
		return digits, letter == 'D', true
	case 'w', 'W':
		return words, letter == 'W', true
	case 's', 'S':
		return spaces, letter == 'S', true
	case 'h', 'H':
		return horizontal, letter == 'H', true
	case 'v', 'V':
		return vertical, letter == 'V', true
	case 'N':
		return `\n`, true, true
	}
	return "", false, false
}

// escape translates what a backslash begins, outside of a class.
func (p *pattern) escape() error {
	if p.at+1 == len(p.in) {
		return &RegexError{`\ at end of pattern`}
	}
	c := p.in[p.at+1]
	if inside, negated, ok := classOf(c); ok && !(c == 'N' && strings.HasPrefix(p.in[p.at+2:], "{")) {
		head := "["
		if negated {
			head = "[^"
		}
		p.emit(head+inside+"]", 2)
		return nil
	}
	switch c {
	case 'b', 'B', 'A', 'z', 'Z', 'G':
		return p.anchor(c)
	case 'Q':
		text, _, _ := strings.Cut(p.in[p.at+2:], `\E`)
		for at := 0; at < len(text); {
			_, size := utf8.DecodeRuneInString(text[at:])
			p.emit(quote(text[at:at+size]), 0)
			at += size
		}
		p.at = min(p.at+2+len(text)+2, len(p.in))
		return nil
	case 'E':
		p.at += 2
		return nil
	case 'R':
		p.emit("(?:\r\n|["+vertical+"])", 2)
		return nil
	case 'p', 'P':
		s, n, err := property(p.in[p.at:])
		if err == nil {
			p.emit(s, n)
		}
		return err
	case 'k':
		for _, marks := range []string{"<>", "''", "{}"} {
			if strings.HasPrefix(p.in[p.at+2:], marks[:1]) {
				return p.nameReference(p.in[p.at+3:], marks[1], 3)
			}
		}
		return &RegexError{`\k is not followed by a braced, angle-bracketed, or quoted name`}
	case 'g':
		return p.groupReference()
	case 'X', 'C', 'K':
		return &unsupportedError{`the regular expression escape \` + string(c)}
	}
	if c >= '1' && c <= '9' {
		if done, err := p.numberReference(); done {
			return err
		}
	}
	r, n, err := characterEscape(p.in[p.at:])
	if err == nil {
		p.emit(runeText(r), n)
	}
	return err
}

// anchor translates an assertion without width.
func (p *pattern) anchor(c byte) error {
	p.at += 2
	p.atom = -1
	p.context = p.context || c != 'z' && c != 'Z'
	switch {
	case c == 'Z':
		if p.slow {
			p.out.WriteString(`\Z`)
		} else {
			p.out.WriteString(`\z`)
			p.ends = true
		}
	case c == 'G':
		p.out.WriteString(`\A`) // the server begins each search anew, at its start.
	case c == 'b' && p.slow:
		p.out.WriteString(`(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))`)
	case c == 'B' && p.slow:
		p.out.WriteString(`(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))`)
	default:
		p.out.WriteString(`\` + string(c))
	}
	return nil
}

// numberReference reads \1 to \9, and longer numbers if there are so many
// groups; other digits are an octal character.
func (p *pattern) numberReference() (done bool, err error) {
	n := 1
	for p.at+1+n < len(p.in) && p.in[p.at+1+n] >= '0' && p.in[p.at+1+n] <= '9' {
		n++
	}
	number, err := strconv.Atoi(p.in[p.at+1 : p.at+1+n])
	if err != nil || number > 9 && number > p.total {
		if p.in[p.at+1] >= '8' {
			return true, &RegexError{"reference to non-existent subpattern"}
		}
		return false, nil
	}
	return true, p.reference(number, 1+n)
}

// groupReference reads \g1, \g{1}, \g{-1} and \g{name}.
func (p *pattern) groupReference() error {
	rest := p.in[p.at+2:]
	body, n := rest, 2
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return &RegexError{`a numbered reference must not be zero`}
		}
		body, n = rest[1:end], 2+end+1
	} else {
		end := 0
		for end < len(rest) && (rest[end] == '-' && end == 0 || rest[end] >= '0' && rest[end] <= '9') {
			end++
		}
		body, n = rest[:end], 2+end
	}
	number, err := strconv.Atoi(body)
	if err != nil {
		known, ok := p.names[body]
		if !ok {
			return &RegexError{"reference to non-existent subpattern"}
		}
		return p.reference(known, n)
	}
	if number < 0 {
		number += p.count + 1
	}
	if number <= 0 {
		return &RegexError{"reference to non-existent subpattern"}
	}
	return p.reference(number, n)
}

// characterEscape reads an escape that is one character, in or out of a class,
// and tells its length.
func characterEscape(s string) (r rune, n int, err error) {
	c := s[1]
	switch c {
	case 'n':
		return '\n', 2, nil
	case 't':
		return '\t', 2, nil
	case 'r':
		return '\r', 2, nil
	case 'f':
		return '\f', 2, nil
	case 'a':
		return '\a', 2, nil
	case 'e':
		return 0x1b, 2, nil
	case 'c':
		if len(s) < 3 {
			return 0, 0, &RegexError{`\c at end of pattern`}
		}
		if s[2] < 0x20 || s[2] > 0x7e {
			return 0, 0, &RegexError{`\c must be followed by a printable ASCII character`}
		}
		return rune(strings.ToUpper(s[2:3])[0] ^ 0x40), 3, nil
	case 'x':
		return hexEscape(s)
	case 'o':
		return bracedCode(s, 8)
	case 'F', 'L', 'l', 'U', 'u', 'N':
		return 0, 0, &RegexError{`PCRE2 does not support \F, \L, \l, \N{name}, \U, or \u`}
	}
	switch {
	case c >= '0' && c <= '7':
		n := 1
		for n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(s[1:n], 8, 32)
		return rune(v), n, nil
	case c >= '8' && c <= '9':
		return rune(c), 2, nil
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return 0, 0, &RegexError{`unrecognized character follows \`}
	}
	r, size := utf8.DecodeRuneInString(s[1:])
	return r, 1 + size, nil
}

// hexEscape reads \xhh and \x{h…}.
func hexEscape(s string) (rune, int, error) {
	if strings.HasPrefix(s[2:], "{") {
		return bracedCode(s, 16)
	}
	n := 2
	for n < 4 && n < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[n]) >= 0 {
		n++
	}
	v, _ := strconv.ParseUint("0"+s[2:n], 16, 32)
	return rune(v), n, nil
}

func bracedCode(s string, base int) (rune, int, error) {
	end := strings.IndexByte(s, '}')
	if !strings.HasPrefix(s[2:], "{") || end < 0 {
		return 0, 0, &RegexError{`missing opening brace after \o`}
	}
	v, err := strconv.ParseUint(strings.TrimSpace(s[3:end]), base, 32)
	switch {
	case err != nil && base == 16:
		return 0, 0, &RegexError{`non-hex character in \x{} (closing brace missing?)`}
	case err != nil:
		return 0, 0, &RegexError{`non-octal character in \o{} (closing brace missing?)`}
	case v > utf8.MaxRune:
		return 0, 0, &RegexError{`character code point value in \x{} or \o{} is too large`}
	}
	return rune(v), end + 1, nil
}

// runeText is a character as either engine reads it.
func runeText(r rune) string {
	if r < 0x20 || r == 0x7f {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return quote(string(r))
}

// property translates \pL, \p{Lu}, \P{Greek}, \p{^L}.
func property(s string) (string, int, error) {
	if len(s) < 3 {
		return "", 0, &RegexError{`malformed \P or \p sequence`}
	}
	name, n := s[2:3], 3
	if name == "{" {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "", 0, &RegexError{`malformed \P or \p sequence`}
		}
		name, n = s[3:end], end+1
	}
	negated := s[1] == 'P'
	if strings.HasPrefix(name, "^") {
		name, negated = name[1:], !negated
	}
	letter := "p"
	if negated {
		letter = "P"
	}
	if name == "L&" {
		return `(?:\` + letter + `{Lu}|\` + letter + `{Ll}|\` + letter + `{Lt})`, n, nil
	}
	out := `\` + letter + "{" + name + "}"
	if _, err := syntax.Parse(out, syntax.Perl); err != nil {
		return "", 0, &RegexError{`unknown property after \P or \p`}
	}
	return out, n, nil
}

// class translates a bracketed class.
func (p *pattern) class() error {
	if strings.HasPrefix(p.in[p.at:], "[[:<:]]") || strings.HasPrefix(p.in[p.at:], "[[:>:]]") {
		return &unsupportedError{"the regular expression class " + p.in[p.at:p.at+7]}
	}
	start := p.at
	p.at++
	out := "["
	if strings.HasPrefix(p.in[p.at:], "^") {
		out += "^"
		p.at++
	}
	for first := true; ; first = false {
		if p.at >= len(p.in) {
			return &RegexError{"missing terminating ] for character class"}
		}
		if p.in[p.at] == ']' && !first {
			break
		}
		item, err := p.classItem()
		if err != nil {
			return err
		}
		out += item
	}
	n := p.at + 1 - start
	p.at = start
	p.emit(out+"]", n)
	return nil
}

// classItem translates one item of a class: a character, a range, a set.
func (p *pattern) classItem() (string, error) {
	lo, set, err := p.classAtom()
	if err != nil {
		return "", err
	}
	rest := p.in[p.at:]
	if !strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "-]") || len(rest) < 2 {
		if set != "" || lo < 0 {
			return set, nil
		}
		return runeText(lo), nil
	}
	if set != "" {
		if strings.HasPrefix(rest, "-[:") || strings.HasPrefix(rest, `-\`) {
			return set, nil
		}
		return "", &RegexError{"invalid range in character class"}
	}
	p.at++
	hi, set, err := p.classAtom()
	switch {
	case err != nil:
		return "", err
	case set != "":
		return "", &RegexError{"invalid range in character class"}
	case hi < lo:
		return "", &RegexError{"range out of order in character class"}
	}
	return runeText(lo) + "-" + runeText(hi), nil
}

// classAtom reads one character of a class, or a set such as \d or [:alpha:].
func (p *pattern) classAtom() (r rune, set string, err error) {
	rest := p.in[p.at:]
	if strings.HasPrefix(rest, "[:") {
		if end := strings.Index(rest, ":]"); end > 0 && identifierLen(strings.TrimPrefix(rest[2:end], "^")) == len(strings.TrimPrefix(rest[2:end], "^")) {
			p.at += end + 2
			set, err = posixClass(rest[2:end])
			return 0, set, err
		}
	}
	if strings.HasPrefix(rest, "[.") || strings.HasPrefix(rest, "[=") {
		if strings.Contains(rest[2:], rest[1:2]+"]") {
			return 0, "", &RegexError{"POSIX collating elements are not supported"}
		}
	}
	if rest[0] != '\\' {
		r, size := utf8.DecodeRuneInString(rest)
		p.at += size
		return r, "", nil
	}
	if len(rest) == 1 {
		return 0, "", &RegexError{`\ at end of pattern`}
	}
	if inside, negated, ok := classOf(rest[1]); ok {
		p.at += 2
		if negated {
			inside = complement(rest[1])
		}
		return 0, inside, nil
	}
	switch rest[1] {
	case 'p', 'P':
		s, n, err := property(rest)
		p.at += n
		return 0, strings.NewReplacer("(?:", "", "|", "", ")", "").Replace(s), err
	case 'b':
		p.at += 2
		return '\b', "", nil
	case 'E', 'Q':
		p.at += 2
		return -1, "", nil
	case 'B', 'R', 'X':
		return 0, "", &RegexError{`escape sequence is invalid in character class`}
	}
	r, n, err := characterEscape(rest)
	p.at += n
	return r, "", err
}

// complement is what \D, \W and so on stand for within a class.
func complement(letter byte) string {
	switch letter {
	case 'D':
		return `\x00-/:-\x{10FFFF}`
	case 'W':
		return "\\x00-/:-@\\[-\\^`\\{-\\x{10FFFF}"
	case 'S':
		return `\x00-\x08\x0e-\x1f!-\x{10FFFF}`
	case 'H':
		return "\\x00-\\x08\\n-\\x1f!-\u009f\u00a1-\u167f\u1681-\u180d\u180f-\u1fff\u200b-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\\x{10FFFF}"
	case 'V':
		return "\\x00-\\t\\x0e-\u0084\u0086-\u2027\u202a-\\x{10FFFF}"
	}
	return `\x00-\t\x0b-\x{10FFFF}` // \N
}

// posixClass is the inside of [:name:].
func posixClass(name string) (string, error) {
	bare := strings.TrimPrefix(name, "^")
	not := len(bare) != len(name)
	pick := func(yes, no string) (string, error) {
		if not {
			return no, nil
		}
		return yes, nil
	}
	switch bare {
	case "alpha":
		return pick("A-Za-z", "\\x00-@\\[-`\\{-\\x{10FFFF}")
	case "lower":
		return pick("a-z", "\\x00-`\\{-\\x{10FFFF}")
	case "upper":
		return pick("A-Z", `\x00-@\[-\x{10FFFF}`)
	case "alnum":
		return pick("0-9A-Za-z", "\\x00-/:-@\\[-`\\{-\\x{10FFFF}")
	case "digit":
		return pick(digits, complement('D'))
	case "xdigit":
		return pick("0-9A-Fa-f", "\\x00-/:-@G-`g-\\x{10FFFF}")
	case "space":
		return pick(spaces, complement('S'))
	case "blank":
		return pick(`\t\x20`, `\x00-\x08\n-\x1f!-\x{10FFFF}`)
	case "word":
		return pick(words, complement('W'))
	case "punct":
		return pick("!-/:-@\\[-`\\{-~", `\x00-\x200-9A-Za-z\x7f-\x{10FFFF}`)
	case "cntrl":
		return pick(`\x00-\x1f\x7f`, `\x20-~\x80-\x{10FFFF}`)
	case "print":
		return pick(`\x20-~`, `\x00-\x1f\x7f-\x{10FFFF}`)
	case "graph":
		return pick(`!-~`, `\x00-\x20\x7f-\x{10FFFF}`)
	case "ascii":
		return pick(`\x00-\x7f`, `\x80-\x{10FFFF}`)
	}
	return "", &RegexError{"unknown POSIX class name"}
}
