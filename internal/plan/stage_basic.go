package plan

import (
	"math"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

func (c *compiler) match(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument {
		return fail(15959, "the match filter must be an expression in an object")
	}
	f, err := query.CompileFilter(bsonx.AsDoc(at.spec), query.Options{Scope: c.Scope})
	if err != nil {
		return err
	}
	c.add(&Match{at, f})
	return nil
}

// shape compiles $project, $addFields, $set and $unset.
func (c *compiler) shape(at spelled) error {
	p, err := query.CompileProject(at.name, at.spec, query.Options{Scope: c.Scope})
	if err != nil {
		return err
	}
	c.add(&Shape{at, p})
	return nil
}

func (c *compiler) sort(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument {
		return fail(15973, "the $sort key specification must be an object")
	}
	spec := bsonx.AsDoc(at.spec)
	if bsonx.Len(spec) == 0 {
		return fail(15976, "$sort stage must have at least one sort key")
	}
	s, err := query.CompileSort(spec)
	if err != nil {
		return err
	}
	c.add(&Order{spelled: at, Sort: s})
	return nil
}

func (c *compiler) limit(at spelled) error {
	n, err := amount(at, 5107201)
	if err != nil {
		return err
	}
	if n == 0 {
		return fail(15958, "the limit must be positive")
	}
	c.add(&Cut{at, n})
	return nil
}

func (c *compiler) skip(at spelled) error {
	n, err := amount(at, 5107200)
	if err != nil {
		return err
	}
	c.add(&Cut{at, n})
	return nil
}

// amount is the argument of $limit or $skip.
func amount(at spelled, code mongoerr.Code) (int64, error) {
	wrong := func(what string) error {
		return fail(code, "invalid argument to %s stage: %s: %s: %s", at.name, what, at.name, bsonx.ShellString(at.spec))
	}
	if !bsonx.IsNumber(at.spec) {
		return 0, wrong("Expected a number in")
	}
	n, ok := bsonx.ToInt64Exact(at.spec)
	if !ok {
		f, _ := bsonx.ToDouble(at.spec)
		switch {
		case at.spec.Type == bsonx.TypeDecimal, math.Abs(f) >= 1<<63:
			return 0, wrong("Cannot represent as a 64-bit integer")
		case math.IsNaN(f):
			return 0, wrong("Expected an integer, but found NaN in")
		}
		return 0, wrong("Expected an integer")
	}
	if n < 0 {
		return 0, wrong("Expected a non-negative number in")
	}
	return n, nil
}

func (c *compiler) count(at spelled) error {
	if at.spec.Type != bsonx.TypeString {
		return fail(40156, "the count field must be a non-empty string")
	}
	name := strings.Clone(bsonx.Str(at.spec))
	switch {
	case name == "":
		return fail(40157, "the count field must be a non-empty string")
	case name[0] == '$':
		return fail(40158, "the count field cannot be a $-prefixed path")
	case strings.ContainsRune(name, 0):
		return fail(40159, "the count field cannot contain a null byte")
	case strings.Contains(name, "."):
		return fail(40160, "the count field cannot contain '.'")
	case name == "_id":
		return fail(9039800, "the count field cannot be '_id'")
	}
	c.add(&Count{at, name})
	return nil
}

func (c *compiler) unwind(at spelled) error {
	u := &Unwind{spelled: at}
	var path string
	switch at.spec.Type {
	case bsonx.TypeString:
		path = strings.Clone(bsonx.Str(at.spec))
	case bsonx.TypeDocument:
		for key, v := range bsonx.All(bsonx.AsDoc(at.spec)) {
			switch key {
			case "path":
				if v.Type != bsonx.TypeString {
					return fail(28808, "expected a string as the path for $unwind stage, got %s", bsonx.TypeName(v.Type))
				}
				path = strings.Clone(bsonx.Str(v))
			case "preserveNullAndEmptyArrays":
				if v.Type != bsonx.TypeBool {
					return fail(28809, "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage, got %s", bsonx.TypeName(v.Type))
				}
				u.Preserve = bsonx.AsBool(v)
			case "includeArrayIndex":
				if err := u.index(v); err != nil {
					return err
				}
			default:
				return fail(28811, "unrecognized option to $unwind stage: %s", key)
			}
		}
	default:
		return fail(15981, "expected either a string or an object as specification for $unwind stage, got %s", bsonx.TypeName(at.spec.Type))
	}
	if path == "" {
		return fail(28812, "no path specified to $unwind stage")
	}
	if path[0] != '$' {
		return fail(28818, "path option to $unwind stage should be prefixed with a '$': %s", path)
	}
	var err error
	u.Path, err = splitPath(path[1:])
	c.add(u)
	return err
}

func (u *Unwind) index(v bsonx.Value) (err error) {
	if v.Type != bsonx.TypeString || bsonx.Str(v) == "" {
		return fail(28810, "expected a non-empty string for the includeArrayIndex  option to $unwind stage, got %s", bsonx.TypeName(v.Type))
	}
	name := strings.Clone(bsonx.Str(v))
	if name[0] == '$' {
		return fail(28822, "includeArrayIndex option to $unwind stage should not be prefixed with a '$': %s", name)
	}
	u.Index, err = splitPath(name)
	return err
}

func (c *compiler) replace(at spelled) error {
	r, err := query.CompileReplaceRoot(at.name, at.spec, query.Options{Scope: c.Scope})
	if err != nil {
		return err
	}
	c.add(&Replace{at, r})
	return nil
}

func (c *compiler) sample(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument {
		return fail(28745, "the $sample stage specification must be an object")
	}
	size := int64(-1)
	for key, v := range bsonx.All(bsonx.AsDoc(at.spec)) {
		if key != "size" {
			return fail(28748, "unrecognized option to $sample: %s", key)
		}
		if !bsonx.IsNumber(v) {
			return fail(28746, "size argument to $sample must be a number")
		}
		f, _ := bsonx.ToDouble(v)
		if size = int64(min(f, 1<<62)); size <= 0 {
			return fail(28747, "size argument to $sample must be a positive integer")
		}
	}
	if size < 0 {
		return fail(28749, "$sample stage must specify a size")
	}
	c.add(&Sample{at, size})
	return nil
}

func (c *compiler) documents(at spelled) error {
	e, err := expr.Compile(c.Scope, at.spec)
	if err != nil {
		return err
	}
	c.add(&Documents{at, e})
	return nil
}

// splitPath checks a dotted path and cuts it into names.
func splitPath(s string) ([]string, error) {
	if s == "" {
		return nil, fail(40352, "FieldPath cannot be constructed with empty string")
	}
	if strings.HasSuffix(s, ".") {
		return nil, fail(40353, "FieldPath must not end with a '.'.")
	}
	parts := strings.Split(strings.Clone(s), ".")
	if err := expr.CheckPathLength(len(parts)); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if err := expr.CheckFieldName(p); err != nil {
			return nil, err
		}
	}
	return parts, nil
}
