package expr

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// path compiles "$a.b", "$$v" and "$$v.a.b".
func (sc *Scope) path(s string) (Expr, error) {
	if !strings.HasPrefix(s, "$$") {
		if s == "$" {
			return nil, fail(16872, "'$' by itself is not a valid FieldPath")
		}
		parts, err := splitPath(s[1:])
		if err != nil {
			return nil, err
		}
		if sc.current != noSlot {
			return &varPath{base: &variable{name: "CURRENT", slot: sc.current}, parts: parts}, nil
		}
		return &fieldPath{parts: parts}, nil
	}
	name, rest, dotted := strings.Cut(s[2:], ".")
	if err := checkVariableUse(name); err != nil {
		return nil, err
	}
	base, err := sc.variable(name)
	if err != nil || !dotted {
		return base, err
	}
	parts, err := splitPath(rest)
	if err != nil {
		return nil, err
	}
	if b, ok := base.(*builtin); ok && b.name == "ROOT" {
		return &fieldPath{parts: parts}, nil
	}
	return &varPath{base: base, parts: parts}, nil
}

// FieldPath is the expression that reads a dotted path of the root document.
func FieldPath(path string) (Expr, error) {
	parts, err := splitNames(strings.Clone(path))
	if err == nil {
		err = CheckPathLength(len(parts))
	}
	if err != nil {
		return nil, err
	}
	return &fieldPath{parts: parts}, nil
}

// pathNamesMax is how many names a path may have, a variable's counted.
const pathNamesMax = 200

// CheckPathLength refuses a path of too many names.
func CheckPathLength(names int) error {
	if names > pathNamesMax {
		return fail(mongoerr.Overflow, "FieldPath is too long")
	}
	return nil
}

// splitPath checks a dotted path, which stands behind a variable that is named or
// not, and cuts it into names.
func splitPath(s string) ([]string, error) {
	parts, err := splitNames(s)
	if err == nil {
		err = CheckPathLength(1 + len(parts))
	}
	return parts, err
}

func splitNames(s string) ([]string, error) {
	if s == "" || strings.HasSuffix(s, ".") {
		return nil, fail(40353, "FieldPath must not end with a '.'.")
	}
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if err := CheckFieldName(p); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// fieldPath reads a path of the root document.
type fieldPath struct{ parts []string }

func (x *fieldPath) children(func(*Expr)) {}

func (x *fieldPath) Eval(c *Context) (bsonx.Value, error) {
	return c.walk(c.root, x.parts), nil
}

// varPath reads a path of a variable's value.
type varPath struct {
	base  Expr
	parts []string
}

func (x *varPath) children(f func(*Expr)) { f(&x.base) }

func (x *varPath) Eval(c *Context) (bsonx.Value, error) {
	v, err := x.base.Eval(c)
	if err != nil {
		return v, err
	}
	return c.descend(v, x.parts), nil
}

// walk follows a path from a document. A value on the way that is an array
// yields the array of what its documents have there; arrays within it do not count.
func (c *Context) walk(doc bsonx.Doc, parts []string) bsonx.Value {
	for {
		v := bsonx.Get(doc, parts[0])
		if len(parts) == 1 {
			return v
		}
		parts = parts[1:]
		switch v.Type {
		case bsonx.TypeDocument:
			doc = bsonx.AsDoc(v)
		case bsonx.TypeArray:
			return c.walkArray(v, parts)
		default:
			return bsonx.Missing
		}
	}
}

func (c *Context) walkArray(array bsonx.Value, parts []string) bsonx.Value {
	mark := len(c.stack)
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); {
		if e := it.Value(); e.Type == bsonx.TypeDocument {
			if v := c.walk(bsonx.AsDoc(e), parts); v.Type != bsonx.TypeMissing {
				c.stack = append(c.stack, v)
			}
		}
	}
	return c.arrayFrom(mark)
}

// descend follows a path from any value.
func (c *Context) descend(v bsonx.Value, parts []string) bsonx.Value {
	switch v.Type {
	case bsonx.TypeDocument:
		return c.walk(bsonx.AsDoc(v), parts)
	case bsonx.TypeArray:
		return c.walkArray(v, parts)
	}
	return bsonx.Missing
}
