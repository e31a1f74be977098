package plan

import (
	"bytes"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// buckets is what $bucket is given.
type buckets struct {
	groupBy    bsonx.Value
	boundaries []bsonx.Value
	fallback   bsonx.Value // default; missing: none.
	output     bsonx.Doc   // nil: a count.
}

// bucket is a $group by a $switch over the boundaries, and a $sort.
func (c *compiler) bucket(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument {
		return fail(40201, "Argument to $bucket stage must be an object, but found type: %s.", bsonx.TypeName(at.spec.Type))
	}
	var b buckets
	for key, v := range bsonx.All(bsonx.AsDoc(at.spec)) {
		var err error
		switch key {
		case "groupBy":
			b.groupBy, err = v, groupByIsExpression(v)
		case "boundaries":
			b.boundaries, err = c.boundaries(v)
		case "default":
			b.fallback, err = c.constant(v)
			if err == errVaries {
				err = fail(40195, "The $bucket 'default' field must be a constant expression, but found: %s.", bsonx.ShellString(v))
			}
		case "output":
			if v.Type != bsonx.TypeDocument {
				return fail(40196, "The $bucket 'output' field must be an object, but found type: %s.", bsonx.TypeName(v.Type))
			}
			b.output = bsonx.AsDoc(v)
		default:
			err = fail(40197, "Unrecognized option to $bucket: %s.", key)
		}
		if err != nil {
			return err
		}
	}
	if bsonx.IsMissing(b.groupBy) || b.boundaries == nil {
		return fail(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.")
	}
	last := b.boundaries[len(b.boundaries)-1]
	if !bsonx.IsMissing(b.fallback) && bsonx.Compare(b.fallback, b.boundaries[0]) >= 0 && bsonx.Compare(b.fallback, last) < 0 {
		return fail(40199, "The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the highest boundary.")
	}
	if err := c.group(spelled{"$group", bsonx.DocValue(b.group())}); err != nil {
		return err
	}
	sort := bsonx.NewBuilder(nil)
	sort.Int32("_id", 1)
	return c.sort(spelled{"$sort", bsonx.DocValue(sort.Doc())})
}

func groupByIsExpression(v bsonx.Value) error {
	if v.Type == bsonx.TypeString && bsonx.Str(v) != "" && bsonx.Str(v)[0] == '$' {
		return nil
	}
	if v.Type == bsonx.TypeDocument {
		if name, _ := bsonx.First(bsonx.AsDoc(v)); name != "" && name[0] == '$' {
			return nil
		}
	}
	return fail(40202, "The $bucket 'groupBy' field must be defined as a $-prefixed path or an expression, but found: %s.", bsonx.ShellString(v))
}

func (c *compiler) boundaries(v bsonx.Value) ([]bsonx.Value, error) {
	if v.Type != bsonx.TypeArray {
		return nil, fail(40200, "The $bucket 'boundaries' field must be an array, but found type: %s.", bsonx.TypeName(v.Type))
	}
	var all []bsonx.Value
	for _, e := range bsonx.All(bsonx.AsDoc(v)) {
		k, err := c.constant(e)
		if err == errVaries {
			return nil, fail(40191, "The $bucket 'boundaries' field must be an array of constant values, but found value: %s.", bsonx.ShellString(e))
		}
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	if len(all) < 2 {
		return nil, fail(40192, "The $bucket 'boundaries' field must have at least 2 values, but found %d value(s).", len(all))
	}
	for i, hi := range all[1:] {
		lo := all[i]
		if bsonx.Bracket(lo.Type) != bsonx.Bracket(hi.Type) {
			return nil, fail(40193, "All values in the the 'boundaries' option to $bucket must have the same type. Found conflicting types %s and %s.",
				bsonx.TypeName(lo.Type), bsonx.TypeName(hi.Type))
		}
		if bsonx.Compare(lo, hi) >= 0 {
			return nil, fail(40194, "The 'boundaries' option to $bucket must be sorted, but elements %d and %d are not in ascending order (%s is not less than %s).",
				i, i+1, bsonx.ShellString(lo), bsonx.ShellString(hi))
		}
	}
	return all, nil
}

var errVaries = fail(0, "not a constant")

// constant is the value of an expression that depends on nothing.
func (c *compiler) constant(v bsonx.Value) (bsonx.Value, error) {
	e, err := expr.Compile(c.Scope, v)
	if err != nil {
		return v, err
	}
	k, ok := expr.IsConstant(e)
	if !ok {
		return v, errVaries
	}
	return bsonx.Value{Type: k.Type, Data: bytes.Clone(k.Data)}, nil
}

// group is the $group stage's specification.
func (b *buckets) group() bsonx.Doc {
	out := bsonx.NewBuilder(nil)
	out.OpenDoc("_id")
	out.OpenDoc("$switch")
	out.OpenArray("branches")
	for i, hi := range b.boundaries[1:] {
		lo := b.boundaries[i]
		out.OpenDoc(bsonx.Index(i))
		out.OpenDoc("case")
		out.OpenArray("$and")
		b.compare(out, "0", "$gte", lo)
		b.compare(out, "1", "$lt", hi)
		out.Close()
		out.Close()
		literal(out, "then", lo)
		out.Close()
	}
	out.Close()
	if !bsonx.IsMissing(b.fallback) {
		literal(out, "default", b.fallback)
	}
	out.Close()
	out.Close()
	if b.output != nil {
		out.Fields(b.output)
		return out.Doc()
	}
	out.OpenDoc("count")
	out.Int32("$sum", 1)
	out.Close()
	return out.Doc()
}

func (b *buckets) compare(out *bsonx.Builder, at, op string, bound bsonx.Value) {
	out.OpenDoc(at)
	out.OpenArray(op)
	out.Value("0", b.groupBy)
	literal(out, "1", bound)
	out.Close()
	out.Close()
}

func literal(out *bsonx.Builder, key string, v bsonx.Value) {
	out.OpenDoc(key)
	out.Value("$literal", v)
	out.Close()
}
