package query

import (
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// leafReason is how an operator on a path is spoken of.
type leafReason struct {
	no, yes string   // why a document does not match, and why it does.
	whole   bool     // it looks at arrays and not into them.
	types   []string // what it can be asked of; nil: anything.
	accepts func(bsonx.Type) bool
}

var (
	comparisonReason = leafReason{no: "comparison failed", yes: "comparison succeeded"}
	inReason         = leafReason{no: "no matching value found in array", yes: "matching value found in array"}
	bitsReason       = leafReason{
		no: "bitwise operator failed to match", yes: "bitwise operator matched successfully",
		types:   []string{"binData", "decimal", "double", "int", "long"},
		accepts: func(t bsonx.Type) bool { return t == bsonx.TypeBinary || isNumeric(t) },
	}
)

func isNumeric(t bsonx.Type) bool { return bsonx.IsNumber(bsonx.Value{Type: t}) }

// reasonOf is nil for what is no operator on a path.
func reasonOf(op string) *leafReason {
	switch op {
	case "$eq", "$lt", "$lte", "$gt", "$gte":
		return &comparisonReason
	case "$ne":
		return &leafReason{no: comparisonReason.yes, yes: comparisonReason.no}
	case "$in":
		return &inReason
	case "$nin":
		return &leafReason{no: inReason.yes, yes: inReason.no}
	case "$type":
		return &leafReason{no: "type did not match", yes: "type did match"}
	case "$mod":
		return &leafReason{
			no: "$mod did not evaluate to expected remainder", yes: "$mod did evaluate to expected remainder",
			types: []string{"decimal", "double", "int", "long"}, accepts: isNumeric,
		}
	case "$regex":
		return &leafReason{
			no: "regular expression did not match", yes: "regular expression did match", types: []string{"regex", "string", "symbol"},
			accepts: func(t bsonx.Type) bool {
				return t == bsonx.TypeRegex || t == bsonx.TypeString || t == bsonx.TypeSymbol
			},
		}
	case "$size":
		return arrayReason("array length was not equal to given size", "array length was equal to given size")
	case "$elemMatch":
		return arrayReason("array did not satisfy the child predicate", "array did satisfy the child predicate")
	case "$all":
		return &leafReason{no: "array did not contain all specified values", yes: "array did contain all specified values", whole: true}
	case "$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear":
		return &bitsReason
	}
	return nil
}

func arrayReason(no, yes string) *leafReason {
	return &leafReason{
		no: no, yes: yes, whole: true, types: []string{"array"},
		accepts: func(t bsonx.Type) bool { return t == bsonx.TypeArray },
	}
}

// considered are the values that an operator has looked at.
type considered []bsonx.Value

// considered are the values at a path. There are none if the first place where one
// could be is empty: the server looks no further.
func (r *reasons) considered(path string, expand bool) (c considered, found bool) {
	parts, first := strings.Split(path, "."), true
	valuesAt(r.doc, parts, false, func(v bsonx.Value) {
		found = found || first && !bsonx.IsMissing(v)
		first = false
	})
	valuesAt(r.doc, parts, expand, func(v bsonx.Value) {
		if !bsonx.IsMissing(v) {
			c = append(c, v)
		}
	})
	return c, found
}

// tellLeaf appends what an operator on a path has looked at, and what it found.
func (r *reasons) tellLeaf(c *clause, inverted bool) error {
	how := reasonOf(c.op)
	if how == nil {
		return unexplained(c.source)
	}
	r.tellSource(c)
	seen, found := r.considered(c.path, !how.whole)
	switch {
	case !found:
		r.b.String("reason", "field was missing")
		return nil
	case !inverted && how.accepts != nil && !slices.ContainsFunc(seen, func(v bsonx.Value) bool { return how.accepts(v.Type) }):
		r.b.String("reason", "type did not match")
		seen.tellTypes(r.b)
		if len(how.types) == 1 {
			r.b.String("expectedType", how.types[0])
		} else {
			tellNames(r.b, "expectedTypes", how.types)
		}
	case inverted:
		r.b.String("reason", how.yes)
	default:
		r.b.String("reason", how.no)
	}
	seen.tell(r.b)
	if c.op == "$type" {
		seen.tellTypes(r.b)
	}
	return nil
}

// consideredMax is how many values are shown.
const consideredMax = 10

func (c considered) tell(b *bsonx.Builder) {
	if len(c) == 1 {
		b.Value("consideredValue", c[0])
		return
	}
	b.OpenArray("consideredValues")
	for i, v := range c[:min(len(c), consideredMax)] {
		b.Value(bsonx.Index(i), v)
	}
	b.Close()
	if len(c) > consideredMax {
		b.Bool("consideredValuesTruncated", true)
	}
}

func (c considered) tellTypes(b *bsonx.Builder) {
	var names []string
	for _, v := range c {
		names = append(names, bsonx.TypeName(v.Type))
	}
	slices.Sort(names)
	switch names = slices.Compact(names); len(names) {
	case 0:
	case 1:
		b.String("consideredType", names[0])
	default:
		tellNames(b, "consideredTypes", names)
	}
}

func tellNames(b *bsonx.Builder, name string, list []string) {
	b.OpenArray(name)
	for i, s := range list {
		b.String(bsonx.Index(i), s)
	}
	b.Close()
}
