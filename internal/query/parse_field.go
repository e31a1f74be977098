package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// operators parses the document of operators {$gt: 1, ...} for a path. Without
// a path it is for the elements of an array.
func (p *parser) operators(path string, doc bsonx.Doc) ([]*Node, error) {
	var nodes []*Node
	for it := bsonx.Walk(doc); it.Next(); {
		n, err := p.operator(path, it.Key(), it.Value(), doc)
		if err != nil {
			return nil, err
		}
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// operator parses one; all are its document. The node is nil if another operator speaks for it.
func (p *parser) operator(path, name string, v bsonx.Value, all bsonx.Doc) (*Node, error) {
	switch name {
	case "$eq":
		return p.comparison(OpEq, path, v)
	case "$ne":
		if v.Type == bsonx.TypeRegex {
			return nil, bad("Can't have regex as arg to $ne.")
		}
		return negate(p.comparison(OpEq, path, v))
	case "$lt":
		return p.comparison(OpLt, path, v)
	case "$lte":
		return p.comparison(OpLte, path, v)
	case "$gt":
		return p.comparison(OpGt, path, v)
	case "$gte":
		return p.comparison(OpGte, path, v)
	case "$in":
		return p.in(name, path, v)
	case "$nin":
		return negate(p.in(name, path, v))
	case "$not":
		return p.not(path, v)
	case "$exists":
		n := (&Node{Op: OpExists}).setPath(path)
		if !truthy(v) {
			return not(n), nil
		}
		return n, nil
	case "$type":
		return p.types(path, v)
	case "$mod":
		return p.mod(path, v)
	case "$regex":
		return p.regex(path, v, all)
	case "$options":
		if bsonx.IsMissing(bsonx.Get(all, "$regex")) {
			return nil, bad("$options needs a $regex")
		}
		return nil, nil
	case "$size":
		return p.size(path, v)
	case "$all":
		return p.all(path, v)
	case "$elemMatch":
		return p.elemMatch(path, v)
	case "$bitsAllSet":
		return p.bits(OpBitsAllSet, path, name, v)
	case "$bitsAnySet":
		return p.bits(OpBitsAnySet, path, name, v)
	case "$bitsAllClear":
		return p.bits(OpBitsAllClear, path, name, v)
	case "$bitsAnyClear":
		return p.bits(OpBitsAnyClear, path, name, v)
	case "$where":
		return nil, bad("$where cannot be applied to a field")
	case "$near", "$nearSphere", "$geoNear":
		if p.inValidator {
			return nil, mongoerr.New(5626500, "$geoNear, $near, and $nearSphere are not allowed in this context, as these operators require sorting geospatial data. If you do not need sort, consider using $geoWithin instead. Check out https://dochub.mongodb.org/core/near-sort-operation and https://dochub.mongodb.org/core/nearSphere-sort-operationfor more details.")
		}
		return nil, mongoerr.NotYet(name)
	case "$geoWithin", "$within", "$geoIntersects":
		return nil, mongoerr.NotYet(name)
	}
	if strings.HasPrefix(name, "$_internal") {
		return nil, mongoerr.NotYet(name)
	}
	return nil, bad("unknown operator: %s", name)
}

// pathName is a path in a message: an element of $elemMatch has none.
func (p *parser) pathName(path string) string {
	if path == "" && !p.inArray {
		return "(None)"
	}
	return path
}

func negate(n *Node, err error) (*Node, error) {
	if err != nil {
		return nil, err
	}
	return not(n), nil
}

// truthy is the truth of an operator's operand: false, null, undefined and zero are false.
func truthy(v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeBool:
		return bsonx.AsBool(v)
	case bsonx.TypeNull, bsonx.TypeUndefined, bsonx.TypeMissing:
		return false
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble, bsonx.TypeDecimal:
		return bsonx.IsNaN(v) || bsonx.Compare(v, zero) != 0
	}
	return true
}

var zero = bsonx.Int32(0)

func (p *parser) comparison(op Op, path string, v bsonx.Value) (*Node, error) {
	if v.Type == bsonx.TypeRegex && op != OpEq {
		return nil, bad("Can't have RegEx as arg to non-equality predicate over field '%s'.", path)
	}
	if v.Type == bsonx.TypeUndefined {
		return nil, bad("cannot compare to undefined")
	}
	return (&Node{Op: op, Value: v}).setPath(path), nil
}

func (p *parser) in(name, path string, v bsonx.Value) (*Node, error) {
	if v.Type != bsonx.TypeArray {
		return nil, bad("%s needs an array", name)
	}
	n := (&Node{Op: OpIn}).setPath(path)
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		e := it.Value()
		switch {
		case isOperators(e):
			return nil, bad("cannot nest $ under $in")
		case e.Type == bsonx.TypeUndefined:
			return nil, bad("Cannot insert undefined into InListData")
		case e.Type == bsonx.TypeRegex:
			re, err := regexOf(e)
			if err != nil {
				return nil, err
			}
			n.Regexes = append(n.Regexes, re)
		default:
			n.Values = append(n.Values, e)
		}
	}
	n.setValues(n.Values)
	switch {
	case len(n.Regexes) == 0 && len(n.Values) == 1:
		n.Op, n.Value, n.Values = OpEq, n.Values[0], nil
	case len(n.Regexes) == 0 && len(n.Values) == 0:
		return &Node{Op: OpAlwaysFalse}, nil
	case len(n.Regexes) == 1 && len(n.Values) == 0:
		n.Op = OpRegex
	}
	return n, nil
}

func (p *parser) not(path string, v bsonx.Value) (*Node, error) {
	if v.Type == bsonx.TypeRegex {
		return negate(p.regexNode(path, v))
	}
	if v.Type != bsonx.TypeDocument {
		return nil, bad("$not argument must be a regex or an object")
	}
	if len(v.Data) <= len(bsonx.Empty) {
		return nil, bad("$not argument must be a non-empty object")
	}
	nodes, err := p.operators(path, bsonx.AsDoc(v))
	if err != nil {
		return nil, err
	}
	return not(and(nodes)), nil
}

func (p *parser) regexNode(path string, v bsonx.Value) (*Node, error) {
	re, err := regexOf(v)
	if err != nil {
		return nil, err
	}
	return (&Node{Op: OpRegex, Regexes: []*Regex{re}}).setPath(path), nil
}

// regex parses $regex with the $options that may stand beside it.
func (p *parser) regex(path string, v bsonx.Value, all bsonx.Doc) (*Node, error) {
	var pattern, options string
	first, _ := bsonx.First(all)
	if o := bsonx.Get(all, "$options"); first == "$options" && o.Type != bsonx.TypeString {
		return nil, bad("$options has to be a string")
	}
	switch v.Type {
	case bsonx.TypeString:
		pattern = strings.Clone(bsonx.Str(v))
	case bsonx.TypeRegex:
		pattern, options = regexParts(v)
	default:
		return nil, bad("$regex has to be a string")
	}
	if o := bsonx.Get(all, "$options"); !bsonx.IsMissing(o) {
		if o.Type != bsonx.TypeString {
			return nil, bad("$options has to be a string")
		}
		own := options
		options = strings.Clone(bsonx.Str(o))
		if own != "" {
			const both = "options set in both $regex and $options"
			if first != "$options" { // what came later is to blame.
				return nil, mongoerr.New(51075, both)
			} else if options != "" {
				return nil, mongoerr.New(51074, both)
			}
			options = own
		}
	}
	re, err := newRegex(pattern, options)
	if err != nil {
		return nil, err
	}
	return (&Node{Op: OpRegex, Regexes: []*Regex{re}}).setPath(path), nil
}
