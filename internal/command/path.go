package command

import "strings"

// cutPath splits a dotted path after its first name.
func cutPath(path string) (head, rest string, more bool) { return strings.Cut(path, ".") }

// isIndex tells whether a name of a path may be an array's index.
func isIndex(name string) bool {
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			return false
		}
	}
	return name != ""
}
