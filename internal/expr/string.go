package expr

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// evalConcat stops at the first null.
func evalConcat(c *Context, x *call) (bsonx.Value, error) {
	mark := len(c.stack)
	size := 0
	for _, e := range x.args {
		v, err := e.Eval(c)
		switch {
		case err != nil:
		case bsonx.IsNullish(v):
			c.stack = c.stack[:mark]
			return bsonx.Null, nil
		case v.Type != bsonx.TypeString:
			err = fail(16702, "$concat only supports strings, not %s", nameOf(v))
		}
		if err != nil {
			c.stack = c.stack[:mark]
			return v, err
		}
		size += len(bsonx.Str(v))
		c.stack = append(c.stack, v)
	}
	if err := stringRoom(size); err != nil {
		return bsonx.Missing, err
	}
	out, text := c.stringSpace(size)
	for _, v := range c.stack[mark:] {
		text = text[copy(text, bsonx.Str(v)):]
	}
	c.stack = c.stack[:mark]
	return out, nil
}

// coerce is a value as the older string operators read it: nothing is "", and
// numbers, dates and the like become text.
func coerce(v bsonx.Value) (string, error) {
	switch v.Type {
	case bsonx.TypeString, bsonx.TypeSymbol, bsonx.TypeCode:
		return bsonx.Str(v), nil
	case bsonx.TypeMissing, bsonx.TypeNull, bsonx.TypeUndefined:
		return "", nil
	case bsonx.TypeDouble:
		return shortDouble(bsonx.AsDouble(v)), nil
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDecimal:
		return scalarText(v), nil
	case bsonx.TypeDate:
		b, err := appendDate(nil, time.UnixMilli(bsonx.AsInt64(v)).UTC(), isoFormatUTC)
		if err != nil {
			return "", mongoerr.From(err).Prefix("failed while coercing date to string")
		}
		return string(b), nil
	case bsonx.TypeTimestamp:
		ts := uint64(bsonx.AsInt64(v))
		return fmt.Sprintf("%s:%d", time.Unix(int64(ts>>32), 0).UTC().Format("Jan _2 15:04:05"), uint32(ts)), nil
	}
	return "", fail(16007, "can't convert from BSON type %s to String", nameOf(v))
}

func evalToLower(c *Context, x *call) (bsonx.Value, error) { return evalCase(c, x, 'A', 'Z') }
func evalToUpper(c *Context, x *call) (bsonx.Value, error) { return evalCase(c, x, 'a', 'z') }

// evalCase changes the case of ASCII letters only.
func evalCase(c *Context, x *call, from, to byte) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	s, err := coerce(v)
	if err != nil {
		return v, err
	}
	out, text := c.stringSpace(len(s))
	for i := range len(s) {
		b := s[i]
		if b >= from && b <= to {
			b ^= 'a' ^ 'A'
		}
		text[i] = b
	}
	return out, nil
}

func evalStrcasecmp(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.two(c)
	if err != nil {
		return a, err
	}
	s, err := coerce(a)
	if err != nil {
		return a, err
	}
	t, err := coerce(b)
	if err != nil {
		return a, err
	}
	for i := range min(len(s), len(t)) {
		if p, q := upper(s[i]), upper(t[i]); p != q {
			if p < q {
				return c.int32Value(-1), nil
			}
			return c.int32Value(1), nil
		}
	}
	switch {
	case len(s) < len(t):
		return c.int32Value(-1), nil
	case len(s) > len(t):
		return c.int32Value(1), nil
	}
	return c.int32Value(0), nil
}

func upper(b byte) byte {
	if b >= 'a' && b <= 'z' {
		return b - 'a' + 'A'
	}
	return b
}

func evalStrLenCP(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	if v.Type != bsonx.TypeString {
		return v, fail(34471, "$strLenCP requires a string argument, found: %s", nameOf(v))
	}
	return c.int32Value(int32(utf8.RuneCountInString(bsonx.Str(v)))), nil
}

func evalStrLenBytes(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	if v.Type != bsonx.TypeString {
		return v, fail(34473, "$strLenBytes requires a string argument, found: %s", nameOf(v))
	}
	return c.int32Value(int32(len(bsonx.Str(v)))), nil
}

// evalSplit cuts at a string.
func evalSplit(c *Context, _ *call, a, b bsonx.Value) (bsonx.Value, error) {
	switch {
	case a.Type != bsonx.TypeString:
		return a, fail(40085, "$split requires an expression that evaluates to a string as a first argument, found: %s", nameOf(a))
	case b.Type != bsonx.TypeString:
		return a, fail(10503900, "$split requires an expression that evaluates to a string as a second argument, found: %s", nameOf(b))
	}
	s, sep := bsonx.Str(a), bsonx.Str(b)
	if sep == "" {
		return a, fail(40087, "$split requires a non-empty separator")
	}
	mark := len(c.stack)
	for {
		part, rest, found := strings.Cut(s, sep)
		c.stack = append(c.stack, c.stringValue(part))
		if !found {
			return c.arrayFrom(mark), nil
		}
		s = rest
	}
}

// buildReplace is $replaceOne and $replaceAll.
func buildReplace(n int) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		if arg.Type != bsonx.TypeDocument {
			return nil, fail(51751, "%s requires an object as an argument, found: %s", name, nameOf(arg))
		}
		args, err := sc.named(bsonx.AsDoc(arg), []string{"input", "find", "replacement"}, func(key string) error {
			return fail(51750, "%s found an unknown argument: %s", name, key)
		})
		switch {
		case err != nil:
			return nil, err
		case args[0] == nil:
			return nil, fail(51749, "%s requires 'input' to be specified", name)
		case args[1] == nil:
			return nil, fail(51748, "%s requires 'find' to be specified", name)
		case args[2] == nil:
			return nil, fail(51747, "%s requires 'replacement' to be specified", name)
		}
		return &call{name: name, args: args, unfolded: true, fn: func(c *Context, x *call) (bsonx.Value, error) {
			return evalReplace(c, x, n)
		}}, nil
	}
}

// evalReplace replaces the first n occurrences; a negative n means all.
func evalReplace(c *Context, x *call, n int) (bsonx.Value, error) {
	var in [3]bsonx.Value
	null := false
	for i := range in {
		v, err := x.args[i].Eval(c)
		if err != nil {
			return v, err
		}
		in[i] = v
	}
	for i, v := range in {
		if bsonx.IsNullish(v) {
			null = true
		} else if v.Type != bsonx.TypeString {
			names := [3]string{"input", "find", "replacement"}
			codes := [3]int32{10503904, 10503901, 10503902}
			return v, fail(mongoerr.Code(codes[i]), "%s requires that '%s' be a string, found: %s", x.name, names[i], ValueText(v))
		}
	}
	if null {
		return bsonx.Null, nil
	}
	s, find, by := bsonx.Str(in[0]), bsonx.Str(in[1]), bsonx.Str(in[2])
	if err := stringRoom(len(s) + occurrences(s, find, n)*(len(by)-len(find))); err != nil {
		return bsonx.Missing, err
	}
	if find == "" {
		return c.stringValue(interleave(s, by, n)), nil
	}
	return c.stringValue(strings.Replace(s, find, by, n)), nil
}

// occurrences counts what Replace would replace.
func occurrences(s, find string, n int) int {
	switch {
	case n == 1:
		return 1
	case find == "":
		return len(s) + 1
	}
	return strings.Count(s, find)
}

// interleave is the replacement of the empty string: before every byte (not
// every character) and at the end, as the server has it.
func interleave(s, by string, n int) string {
	if n == 1 {
		return by + s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(by)
		b.WriteByte(s[i])
	}
	b.WriteString(by)
	return b.String()
}
