package param

import (
	"fmt"
	"strings"
)

// suggest is how a message goes on that names an unknown parameter: with the known
// one that was probably meant, if one is near enough.
func (t *table) suggest(name string) string {
	best, nearest := len(name)/3+1, ""
	for _, p := range t.ordered {
		if d := distance(strings.ToLower(name), strings.ToLower(p.Name())); d < best {
			best, nearest = d, p.Name()
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean '%s'?", nearest)
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
