package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// evalSubstrBytes counts in bytes and refuses to cut a character. A negative
// length means the rest.
func evalSubstrBytes(c *Context, x *call) (bsonx.Value, error) {
	in, err := x.args[0].Eval(c)
	if err != nil {
		return in, err
	}
	from, err := x.args[1].Eval(c)
	if err != nil {
		return in, err
	}
	length, err := x.args[2].Eval(c)
	if err != nil {
		return in, err
	}
	s, err := coerce(in)
	switch {
	case err != nil:
		return in, err
	case rank(from) == 0:
		return in, fail(16034, "%s:  starting index must be a numeric type (is BSON type %s)", x.name, nameOf(from))
	case rank(length) == 0:
		return in, fail(16035, "%s:  length must be a numeric type (is BSON type %s)", x.name, nameOf(length))
	}
	lo, _ := bsonx.ToInt64Clamped(from)
	n, _ := bsonx.ToInt64Clamped(length)
	if lo < 0 {
		return in, fail(50752, "%s:  starting index must be non-negative (got: %d)", x.name, lo)
	}
	if lo >= int64(len(s)) {
		return c.stringValue(""), nil
	}
	hi := int64(len(s))
	if n >= 0 && n < hi-lo {
		hi = lo + n
	}
	if !utf8.RuneStart(s[lo]) {
		return in, fail(28656, "%s:  Invalid range, starting index is a UTF-8 continuation byte.", x.name)
	}
	if hi < int64(len(s)) && !utf8.RuneStart(s[hi]) {
		return in, fail(28657, "%s:  Invalid range, ending index is in the middle of a UTF-8 character.", x.name)
	}
	return c.stringValue(s[lo:hi]), nil
}

// evalSubstrCP counts in characters.
func evalSubstrCP(c *Context, x *call) (bsonx.Value, error) {
	in, err := x.args[0].Eval(c)
	if err != nil {
		return in, err
	}
	from, err := x.args[1].Eval(c)
	if err != nil {
		return in, err
	}
	length, err := x.args[2].Eval(c)
	if err != nil {
		return in, err
	}
	s, err := coerce(in)
	if err != nil {
		return in, err
	}
	lo, okLo := exactInt32(from)
	n, okN := exactInt32(length)
	switch {
	case rank(from) == 0:
		return in, fail(34450, "$substrCP: starting index must be a numeric type (is BSON type %s)", nameOf(from))
	case !okLo:
		return in, fail(34451, "$substrCP: starting index cannot be represented as a 32-bit integral value: %s", valueText(from))
	case rank(length) == 0:
		return in, fail(34452, "$substrCP: length must be a numeric type (is BSON type %s)", nameOf(length))
	case !okN:
		return in, fail(34453, "$substrCP: length cannot be represented as a 32-bit integral value: %s", valueText(length))
	case n < 0:
		return in, fail(34454, "$substrCP: length must be a nonnegative integer.")
	case lo < 0:
		return in, fail(34455, "$substrCP: the starting index must be nonnegative integer.")
	}
	start := characters(s, int(lo))
	return c.stringValue(s[start : start+characters(s[start:], int(n))]), nil
}

// characters is the length in bytes of the first n characters of s.
func characters(s string, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// evalIndexOfBytes and evalIndexOfCP search a string; they differ in what they count.
func evalIndexOfBytes(c *Context, x *call) (bsonx.Value, error) {
	s, sub, lo, hi, ok, err := x.searchArgs(c, 40091, 40092)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	if lo > len(s) || hi >= 0 && hi < lo {
		return c.int32Value(-1), nil
	}
	if hi < 0 || hi > len(s) {
		hi = len(s)
	}
	i := strings.Index(s[lo:hi], sub)
	if i >= 0 {
		i += lo
	}
	return c.int32Value(int32(i)), nil
}

func evalIndexOfCP(c *Context, x *call) (bsonx.Value, error) {
	s, sub, lo, hi, ok, err := x.searchArgs(c, 40093, 40094)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	count := utf8.RuneCountInString(s)
	if hi < 0 || hi > count {
		hi = count
	}
	// As the server has it: no place is at the end of the text, but of an empty one.
	if lo > hi || lo == hi && lo > 0 {
		return c.int32Value(-1), nil
	}
	start := characters(s, lo)
	text := s[start : start+characters(s[start:], hi-lo)]
	i := strings.Index(text, sub)
	if i < 0 {
		return c.int32Value(-1), nil
	}
	return c.int32Value(int32(lo + utf8.RuneCountInString(text[:i]))), nil
}

// searchArgs evaluates [string, substring, start, end]; ok is false if the
// answer is null, and hi is -1 without an end.
func (x *call) searchArgs(c *Context, firstCode, secondCode mongoerr.Code) (s, sub string, lo, hi int, ok bool, err error) {
	v, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return
	case bsonx.IsNullish(v):
		return
	case v.Type != bsonx.TypeString:
		err = fail(firstCode, "%s requires a string as the first argument, found: %s", x.name, nameOf(v))
		return
	}
	w, err := x.args[1].Eval(c)
	if err != nil {
		return
	}
	if w.Type != bsonx.TypeString {
		err = fail(secondCode, "%s requires a string as the second argument, found: %s", x.name, nameOf(w))
		return
	}
	lo, hi, err = x.searchRange(c, 40096, 40097)
	return bsonx.Str(v), bsonx.Str(w), lo, hi, err == nil, err
}

// searchRange evaluates the third and fourth operands of an $indexOf: where to
// start, and where to end or -1.
func (x *call) searchRange(c *Context, typeCode, signCode mongoerr.Code) (lo, hi int, err error) {
	bound := func(i int, what string) (int, error) {
		v, err := x.args[i].Eval(c)
		if err != nil {
			return 0, err
		}
		n, ok := exactInt32(v)
		if !ok {
			return 0, fail(typeCode, "%srequires an integral %s index, found a value of type: %s, with value: %s", x.name, what, nameOf(v), valueText(v))
		}
		if n < 0 {
			return 0, fail(signCode, "%s requires a nonnegative %s index, found: %d", x.name, what, n)
		}
		return int(n), nil
	}
	hi = -1
	if x.args[2] != nil {
		if lo, err = bound(2, "starting"); err != nil {
			return lo, hi, err
		}
	}
	if x.args[3] != nil {
		hi, err = bound(3, "ending")
	}
	return lo, hi, err
}
