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
