package diff

import (
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// shrink makes a tree smaller as long as still says that it is worth telling.
func shrink(tree any, tries int, still func(any) bool) any {
	for again := true; again; {
		again = false
		for at := 0; at < size(tree); at++ {
			for _, smaller := range smallerAt(tree, at) {
				if tries--; tries < 0 {
					return tree
				}
				if still(smaller) {
					tree, again = smaller, true
					break
				}
			}
		}
	}
	return tree
}

// smallerAt are the tree with less at one node.
func smallerAt(tree any, at int) []any {
	var out []any
	put := func(v any) {
		n := at
		out = append(out, rewrite(tree, &n, func(any) any { return v }))
	}
	n := at
	rewrite(tree, &n, func(v any) any {
		switch v := v.(type) {
		case bson.D:
			for i, e := range v {
				put(e.Value)
				put(append(append(bson.D{}, v[:i]...), v[i+1:]...))
			}
		case bson.A:
			for i, e := range v {
				put(append(append(bson.A{}, v[:i]...), v[i+1:]...))
				put(e)
			}
		case int32, bool, nil:
			return v
		}
		if size(v) > 1 {
			put(int32(1))
			put("$x")
		} else if v != "x" && v != "$x" {
			put(int32(1))
			put("x")
		}
		return v
	})
	return out
}

var (
	digits = regexp.MustCompile(`-?[0-9]+`)
	quoted = regexp.MustCompile(`\\"[^"]*\\"|'[^']*'`)
)

// kind is what questions have in common that differ in the same way.
func kind(theirs, ours string) string { return shape(theirs) + "|" + shape(ours) }

func shape(answer string) string {
	i := strings.Index(answer, "errmsg=")
	if i < 0 {
		return "a result"
	}
	s := quoted.ReplaceAllString(answer[i:], "…")
	if c := strings.LastIndex(answer, "code="); c > i {
		s += answer[c:]
	}
	return digits.ReplaceAllString(s, "#")
}
