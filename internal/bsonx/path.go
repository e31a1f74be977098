package bsonx

import "strings"

// Lookup follows a dotted path through embedded documents only. It stops with
// Missing at an array as at any other value that is no document: what a path
// means inside arrays differs between matching, sorting and expressions, and is
// theirs to say.
func Lookup(d Doc, path string) Value {
	for {
		name, rest, more := strings.Cut(path, ".")
		v := Get(d, name)
		if !more {
			return v
		}
		if v.Type != TypeDocument {
			return Missing
		}
		d, path = AsDoc(v), rest
	}
}

// PathOverlaps tells whether one path is the other or lies below it: "a.b" and
// "a" do, "a.b" and "a.bc" do not.
func PathOverlaps(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.')
}

// ArrayIndex reads a name as the position in an array: digits without a leading
// zero, or "0" itself.
func ArrayIndex(name string) (int, bool) {
	if name == "" || len(name) > 9 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
