package plan

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// Accumulator is one computed field of a $group.
type Accumulator struct {
	Field string
	Op    string    // $sum, $avg, ...
	Arg   expr.Expr // what is accumulated; nil for $count.

	// Of $firstN and its like, and of $top and its like.
	N    expr.Expr // a function of the group's _id; nil: not asked for.
	Sort *query.Sort
}

func (c *compiler) group(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument {
		return fail(15947, "a group's fields must be specified in an object")
	}
	g := &Group{spelled: at}
	for name, v := range bsonx.All(bsonx.AsDoc(at.spec)) {
		if name == "_id" {
			if g.ID != nil {
				return fail(15948, "a group's _id may only be specified once")
			}
			if err := g.id(c.Scope, v); err != nil {
				return err
			}
			continue
		}
		if name == "$doingMerge" || name == "$willBeMerged" {
			return mongoerr.NotYet("the $group option " + name)
		}
		a, err := accumulator(c.Scope, strings.Clone(name), v)
		if err != nil {
			return err
		}
		g.Fields = append(g.Fields, a)
	}
	if g.ID == nil {
		return fail(15955, "a group specification must include an _id")
	}
	c.add(g)
	return nil
}

func (g *Group) id(sc *expr.Scope, v bsonx.Value) error {
	if err := checkGroupID(v); err != nil {
		return err
	}
	e, err := expr.Compile(sc, v)
	if err != nil {
		return err
	}
	g.ID = e
	if _, constant := expr.IsConstant(e); constant || v.Type != bsonx.TypeDocument || bsonx.Len(bsonx.AsDoc(v)) != 1 {
		return nil
	}
	if name, field := bsonx.First(bsonx.AsDoc(v)); !strings.HasPrefix(name, "$") {
		g.Single = strings.Clone(name)
		g.ID, err = expr.Compile(sc, field)
	}
	return err
}

// checkGroupID refuses an _id that looks like the inclusion of fields.
func checkGroupID(v bsonx.Value) error {
	if v.Type != bsonx.TypeDocument {
		return nil
	}
	if name, _ := bsonx.First(bsonx.AsDoc(v)); strings.HasPrefix(name, "$") {
		return nil
	}
	for _, field := range bsonx.All(bsonx.AsDoc(v)) {
		if bsonx.IsNumber(field) || field.Type == bsonx.TypeBool {
			return fail(17390, "$group does not support inclusion-style expressions")
		}
	}
	return nil
}

// accumulator compiles {$sum: …} and its like.
func accumulator(sc *expr.Scope, field string, v bsonx.Value) (Accumulator, error) {
	a := Accumulator{Field: field}
	if v.Type != bsonx.TypeDocument || bsonx.Len(bsonx.AsDoc(v)) == 0 {
		return a, fail(40234, "The field '%s' must be an accumulator object", field)
	}
	op, arg := bsonx.First(bsonx.AsDoc(v))
	switch {
	case !strings.HasPrefix(op, "$"):
		return a, fail(40234, "The field '%s' must be an accumulator object", field)
	case strings.Contains(field, "."):
		return a, fail(40235, "The field name '%s' cannot contain '.'", field)
	case strings.HasPrefix(field, "$"):
		return a, fail(40236, "The field name '%s' cannot be an operator name", field)
	case bsonx.Len(bsonx.AsDoc(v)) > 1:
		return a, fail(40238, "The field '%s' must specify one accumulator: %s: %s", field, field, bsonx.ShellString(v))
	}
	a.Op = strings.Clone(op)
	switch op {
	case "$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet", "$mergeObjects", "$stdDevPop", "$stdDevSamp":
		return a, a.unary(sc, arg)
	case "$count":
		if arg.Type == bsonx.TypeArray {
			return a, fail(40237, "The %s accumulator is a unary operator", op)
		}
		if arg.Type != bsonx.TypeDocument || bsonx.Len(bsonx.AsDoc(arg)) > 0 {
			return a, fail(mongoerr.TypeMismatch, "$count takes no arguments, i.e. $count:{}")
		}
		return a, nil
	case "$firstN", "$lastN", "$minN", "$maxN":
		return a, a.many(sc, arg)
	case "$top", "$bottom", "$topN", "$bottomN":
		return a, a.ranked(sc, arg)
	case "$accumulator", "$median", "$percentile", "$concatArrays", "$setUnion", "$_internalJsReduce", "$_internalConstructStats":
		return a, mongoerr.NotYet("the accumulator " + op)
	}
	return a, fail(15952, "unknown group operator '%s'", op)
}

func (a *Accumulator) unary(sc *expr.Scope, arg bsonx.Value) (err error) {
	if arg.Type == bsonx.TypeArray {
		return fail(40237, "The %s accumulator is a unary operator", a.Op)
	}
	a.Arg, err = expr.Compile(sc, arg)
	return err
}

// many compiles {n, input}.
func (a *Accumulator) many(sc *expr.Scope, arg bsonx.Value) (err error) {
	if arg.Type != bsonx.TypeDocument {
		return fail(5787801, "specification must be an object; found %s: %s", a.Op, bsonx.ShellString(arg))
	}
	for key, v := range bsonx.All(bsonx.AsDoc(arg)) {
		switch key {
		case "n":
			err = a.amount(sc, v)
		case "input":
			a.Arg, err = expr.Compile(sc, v)
		default:
			err = fail(5787901, "Unknown argument for 'n' operator: %s", key)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case a.N == nil:
		return fail(5787906, "Missing value for 'n'")
	case a.Arg == nil:
		return fail(5787907, "Missing value for 'input'")
	}
	return nil
}

// ranked compiles {n, sortBy, output}.
func (a *Accumulator) ranked(sc *expr.Scope, arg bsonx.Value) (err error) {
	if arg.Type != bsonx.TypeDocument {
		return fail(5788001, "specification must be an object; found %s: %s", a.Op, bsonx.ShellString(arg))
	}
	withN := strings.HasSuffix(a.Op, "N")
	for key, v := range bsonx.All(bsonx.AsDoc(arg)) {
		switch {
		case key == "n" && withN:
			err = a.amount(sc, v)
		case key == "output":
			a.Arg, err = expr.Compile(sc, v)
		case key == "sortBy":
			if v.Type != bsonx.TypeDocument {
				return fail(10065, "invalid parameter: expected an object (sortBy)")
			}
			a.Sort, err = query.CompileSort(bsonx.AsDoc(v))
		default:
			err = fail(5788002, "Unknown argument to %s '%s'", a.Op, key)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case withN && a.N == nil:
		return fail(5788003, "Missing value for 'n'")
	case a.Arg == nil:
		return fail(5788004, "Missing value for 'output'")
	case a.Sort == nil:
		return fail(5788005, "Missing value for 'sortBy'")
	}
	return nil
}

func (a *Accumulator) amount(sc *expr.Scope, v bsonx.Value) (err error) {
	if a.N, err = expr.Compile(sc, v); err != nil {
		return err
	}
	if k, ok := expr.IsConstant(a.N); ok {
		_, err = GroupSize(k)
	}
	return err
}

// GroupSize is the n of $firstN and its like.
func GroupSize(v bsonx.Value) (int64, error) {
	n, ok := bsonx.ToInt64Exact(v)
	if !ok || n <= 0 {
		return 0, fail(7548606, "parameter 'n' must be coercible to a positive 64-bit integer")
	}
	return n, nil
}

// sortByCount is a $group and a $sort.
func (c *compiler) sortByCount(at spelled) error {
	switch at.spec.Type {
	case bsonx.TypeString:
		if !strings.HasPrefix(bsonx.Str(at.spec), "$") {
			return fail(40148, "the sortByCount field must be defined as a $-prefixed path or an expression inside an object")
		}
	case bsonx.TypeDocument:
		if name, _ := bsonx.First(bsonx.AsDoc(at.spec)); !strings.HasPrefix(name, "$") {
			return fail(40147, "the sortByCount field must be defined as a $-prefixed path or an expression inside an object")
		}
	default:
		return fail(40149, "the sortByCount field must be specified as a string or as an object")
	}
	b := bsonx.NewBuilder(nil)
	b.Value("_id", at.spec)
	b.OpenDoc("count")
	b.Int32("$sum", 1)
	b.Close()
	if err := c.group(spelled{"$group", bsonx.DocValue(b.Doc())}); err != nil {
		return err
	}
	b = bsonx.NewBuilder(nil)
	b.Int32("count", -1)
	return c.sort(spelled{"$sort", bsonx.DocValue(b.Doc())})
}
