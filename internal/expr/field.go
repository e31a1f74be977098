package expr

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// buildGetField takes {field, input}, or the field alone, of the current document.
func buildGetField(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	var field, input Expr
	var err error
	key := ""
	if arg.Type == bsonx.TypeDocument {
		key, _ = bsonx.First(bsonx.AsDoc(arg))
	}
	if arg.Type == bsonx.TypeDocument && !strings.HasPrefix(key, "$") {
		args, err := sc.named(bsonx.AsDoc(arg), []string{"field", "input"}, func(key string) error {
			return fail(3041701, "$getField found an unknown argument: %s", key)
		})
		switch {
		case err != nil:
			return nil, err
		case args[0] == nil:
			return nil, fail(3041702, "$getField requires 'field' to be specified")
		case args[1] == nil:
			return nil, fail(3041703, "$getField requires 'input' to be specified")
		}
		field, input = args[0], args[1]
	} else {
		if field, err = sc.operand(arg); err != nil {
			return nil, err
		}
		if input, err = sc.path("$$CURRENT"); err != nil {
			return nil, err
		}
	}
	return &call{name: name, args: []Expr{field, input}, fn: evalGetField, opaque: true}, nil
}

func evalGetField(c *Context, x *call) (bsonx.Value, error) {
	field, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return field, err
	case field.Type != bsonx.TypeString:
		return field, fail(3041704, "$getField requires 'field' to evaluate to type String, but got %s", nameOf(field))
	}
	input, err := x.args[1].Eval(c)
	switch {
	case err != nil:
		return field, err
	case bsonx.IsMissing(input):
		return bsonx.Missing, nil
	case bsonx.IsNullish(input):
		return bsonx.Null, nil
	case input.Type != bsonx.TypeDocument:
		return bsonx.Missing, nil
	}
	return bsonx.Get(bsonx.AsDoc(input), bsonx.Str(field)), nil
}

// buildSetField is $setField, and $unsetField, which sets to nothing.
func buildSetField(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(4161100, "%s only supports an object as its argument", name)
	}
	names := []string{"field", "input", "value"}
	if name == "$unsetField" {
		names = names[:2]
	}
	args, err := sc.named(bsonx.AsDoc(arg), names, func(key string) error {
		return fail(4161101, "%s found an unknown argument: %s", name, key)
	})
	switch {
	case err != nil:
		return nil, err
	case args[0] == nil:
		return nil, fail(4161102, "%s requires 'field' to be specified", name)
	case len(args) == 3 && args[2] == nil:
		return nil, fail(4161103, "%s requires 'value' to be specified", name)
	case args[1] == nil:
		return nil, fail(4161109, "%s requires 'input' to be specified", name)
	}
	if len(args) == 2 {
		args = append(args, nil)
	}
	if source := bsonx.Get(bsonx.AsDoc(arg), "field"); source.Type == bsonx.TypeString && strings.HasPrefix(bsonx.Str(source), "$") {
		full := bsonx.Str(source)[1:]
		if !strings.HasPrefix(full, "$") { // no variable.
			full = "$CURRENT." + full
		}
		return nil, fail(4161108, "'%s' is a field path reference which is not allowed in this context. Did you mean {$literal: '%s'}?", full, full)
	}
	field, ok := IsConstant(args[0])
	if !ok {
		return nil, fail(4161106, "$setField requires 'field' to evaluate to a constant, but got a non-constant argument")
	}
	if field.Type != bsonx.TypeString {
		return nil, fail(4161107, "$setField requires 'field' to evaluate to type String, but got %s", nameOf(field))
	}
	return &call{name: name, args: args[1:], fn: evalSetField, data: bsonx.Str(field), opaque: true}, nil
}

func evalSetField(c *Context, x *call) (bsonx.Value, error) {
	in, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return in, err
	case bsonx.IsNullish(in):
		return bsonx.Null, nil
	case in.Type != bsonx.TypeDocument:
		return in, fail(4161105, "$setField requires 'input' to evaluate to type Object")
	}
	v, err := x.arg(c, 1)
	if err != nil {
		return v, err
	}
	keyMark, mark := len(c.keys), len(c.stack)
	for it := bsonx.Walk(bsonx.AsDoc(in)); it.Next(); {
		c.keys = append(c.keys, it.Key())
		c.stack = append(c.stack, it.Value())
	}
	c.putField(keyMark, mark, x.data.(string), v)
	if err := c.room(x.name, mark); err != nil {
		return v, err
	}
	return c.objectFrom(keyMark, mark), nil
}
