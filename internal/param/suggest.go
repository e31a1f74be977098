package param

import (
	"fmt"
	"strings"
)

// suggest is how a message goes on that names an unknown parameter: with the known
// one that was probably meant, if one is near enough.
func (t *table) suggest(name string) string {
	known := make([]string, len(t.ordered))
	for i, p := range t.ordered {
		known[i] = p.Name()
	}
	nearest := Nearest(name, known)
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean '%s'?", nearest)
}

// Nearest is the known name that was probably meant by one that is not known, or ""
// if none is near enough.
func Nearest(name string, known []string) string {
	best, nearest := len(name)/3+1, ""
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < best {
			best, nearest = d, k
		}
	}
	return nearest
}

// distance is how many letters must be added, dropped or replaced to come from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			keep := diagonal
			if a[i] != b[j] {
				keep++
			}
			diagonal = row[j+1]
			row[j+1] = min(keep, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
