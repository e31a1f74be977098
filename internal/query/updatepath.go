package query

import (
	"cmp"
	"strings"

	"github.com/pandodb/pando/internal/mongoerr"
)

// splitUpdatePath checks the path of an update operator and cuts it.
func splitUpdatePath(path string) ([]string, error) {
	if path == "" {
		return nil, mongoerr.New(mongoerr.EmptyFieldName, "An empty update path is not valid.")
	}
	parts := strings.Split(path, ".")
	positional := 0
	for i, p := range parts {
		switch {
		case p == "":
			return nil, mongoerr.Newf(mongoerr.EmptyFieldName, "The update path '%s' contains an empty field name, which is not allowed.", path)
		case p == "$" && i == 0:
			return nil, bad("Cannot have positional (i.e. '$') element in the first position in path '%s'", path)
		case p == "$":
			positional++
		case isArrayBranch(p) && i == 0:
			return nil, bad("Cannot have array filter identifier (i.e. '$[<id>]') element in the first position in path '%s'", path)
		}
	}
	if positional > 1 {
		return nil, bad("Too many positional (i.e. '$') elements found in path '%s'", path)
	}
	return parts, nil
}

// isArrayBranch tells whether a part is $[] or $[identifier].
func isArrayBranch(part string) bool {
	return strings.HasPrefix(part, "$[") && strings.HasSuffix(part, "]")
}

func branchIdentifier(part string) string { return part[2 : len(part)-1] }

// compareParts orders the names under one parent: numbers by their value and
// before other names, so that an array is filled from its front.
func compareParts(a, b string) int {
	na, nb := isDigits(a), isDigits(b)
	if !na || !nb {
		return strings.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// arrayIndex reads a part as a position in an array; ok is false if it is none.
func arrayIndex(part string) (n int, ok bool) {
	if !isDigits(part) || len(part) > 10 {
		return 0, false
	}
	for i := 0; i < len(part); i++ {
		n = n*10 + int(part[i]-'0')
	}
	return n, true
}
