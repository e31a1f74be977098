package expr

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// whitespace is what the trims remove when not told: the ASCII blanks, NUL, and
// the Unicode ones up to U+200A.
const whitespace = "\x00 \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"

// buildTrim is $trim, $ltrim and $rtrim.
func buildTrim(trim func(s, chars string) string) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		if arg.Type != bsonx.TypeDocument {
			return nil, fail(50696, "%s only supports an object as an argument, found %s", name, nameOf(arg))
		}
		args, err := sc.named(bsonx.AsDoc(arg), []string{"input", "chars"}, func(key string) error {
			return fail(50694, "%s found an unknown argument: %s", name, key)
		})
		if err != nil {
			return nil, err
		}
		if args[0] == nil {
			return nil, fail(50695, "%s requires an 'input' field", name)
		}
		return &call{name: name, args: args, fn: func(c *Context, x *call) (bsonx.Value, error) { return evalTrim(c, x, trim) }}, nil
	}
}

func evalTrim(c *Context, x *call, trim func(s, chars string) string) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return v, err
	case bsonx.IsNullish(v):
		return bsonx.Null, nil
	case v.Type != bsonx.TypeString:
		return v, fail(50699, "%s requires its input to be a string, got %s (of type %s) instead.", x.name, ValueText(v), nameOf(v))
	}
	chars := whitespace
	if x.args[1] != nil {
		w, err := x.args[1].Eval(c)
		switch {
		case err != nil:
			return v, err
		case bsonx.IsNullish(w):
			return bsonx.Null, nil
		case w.Type != bsonx.TypeString:
			return v, fail(50700, "%s requires 'chars' to be a string, got %s (of type %s) instead.", x.name, ValueText(w), nameOf(w))
		}
		chars = bsonx.Str(w)
	}
	return c.stringValue(trim(bsonx.Str(v), chars)), nil
}

func trimBoth(s, chars string) string  { return strings.Trim(s, chars) }
func trimLeft(s, chars string) string  { return strings.TrimLeft(s, chars) }
func trimRight(s, chars string) string { return strings.TrimRight(s, chars) }
