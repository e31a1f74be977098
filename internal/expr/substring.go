package expr

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// substringOperands evaluates [string, start, length] of $substrBytes and $substrCP.
func (x *call) substringOperands(c *Context) (s string, from, length bsonx.Value, err error) {
	in, from, err := x.two(c)
	if err != nil {
		return s, from, length, err
	}
	if length, err = x.args[2].Eval(c); err != nil {
		return s, from, length, err
	}
	s, err = coerce(in)
	return s, from, length, err
}

// coerceToInt64 drops a double's fraction, and rounds a decimal half to even. A
// decimal that does not fit becomes the least of all, a double is refused.
func coerceToInt64(v bsonx.Value) (int64, error) {
	switch v.Type {
	case bsonx.TypeDouble:
		f := bsonx.AsDouble(v)
		if !(f >= -1<<63 && f < 1<<63) {
			return 0, fail(31109, "Can't coerce out of range value %s to long", shortDouble(f))
		}
		return int64(f), nil
	case bsonx.TypeDecimal:
		d := decimalOf(v)
		if d.Form != apd.Finite {
			return math.MinInt64, nil
		}
		n, ok := decimalToInt64(quantize(d, 0, apd.RoundHalfEven))
		if !ok {
			return math.MinInt64, nil
		}
		return n, nil
	}
	return asInt64(v), nil
}

// evalSubstrBytes counts in bytes and refuses to cut a character. A negative
// length means the rest.
func evalSubstrBytes(c *Context, x *call) (bsonx.Value, error) {
	s, from, length, err := x.substringOperands(c)
	switch {
	case err != nil:
		return bsonx.Missing, err
	case !bsonx.IsNumber(from):
		return bsonx.Missing, fail(16034, "%s:  starting index must be a numeric type (is BSON type %s)", x.name, nameOf(from))
	case !bsonx.IsNumber(length):
		return bsonx.Missing, fail(16035, "%s:  length must be a numeric type (is BSON type %s)", x.name, nameOf(length))
	}
	lo, err := coerceToInt64(from)
	if err != nil {
		return bsonx.Missing, err
	}
	n, err := coerceToInt64(length)
	if err != nil {
		return bsonx.Missing, err
	}
	if lo < 0 {
		return bsonx.Missing, fail(50752, "%s:  starting index must be non-negative (got: %d)", x.name, lo)
	}
	if lo >= int64(len(s)) {
		return c.stringValue(""), nil
	}
	hi := int64(len(s))
	if n >= 0 && n < hi-lo {
		hi = lo + n
	}
	if !utf8.RuneStart(s[lo]) {
		return bsonx.Missing, fail(28656, "%s:  Invalid range, starting index is a UTF-8 continuation byte.", x.name)
	}
	if hi < int64(len(s)) && !utf8.RuneStart(s[hi]) {
		return bsonx.Missing, fail(28657, "%s:  Invalid range, ending index is in the middle of a UTF-8 character.", x.name)
	}
	return c.stringValue(s[lo:hi]), nil
}

// evalSubstrCP counts in characters.
func evalSubstrCP(c *Context, x *call) (bsonx.Value, error) {
	s, from, length, err := x.substringOperands(c)
	if err != nil {
		return bsonx.Missing, err
	}
	lo, okLo := exactInt32(from)
	n, okN := exactInt32(length)
	switch {
	case !bsonx.IsNumber(from):
		return bsonx.Missing, fail(34450, "$substrCP: starting index must be a numeric type (is BSON type %s)", nameOf(from))
	case !okLo:
		return bsonx.Missing, fail(34451, "$substrCP: starting index cannot be represented as a 32-bit integral value: %s", ValueText(from))
	case !bsonx.IsNumber(length):
		return bsonx.Missing, fail(34452, "$substrCP: length must be a numeric type (is BSON type %s)", nameOf(length))
	case !okN:
		return bsonx.Missing, fail(34453, "$substrCP: length cannot be represented as a 32-bit integral value: %s", ValueText(length))
	case n < 0:
		return bsonx.Missing, fail(34454, "$substrCP: length must be a nonnegative integer.")
	case lo < 0:
		return bsonx.Missing, fail(34455, "$substrCP: the starting index must be nonnegative integer.")
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
	q, null, err := x.search(c, 40091, 40092)
	if err != nil || null {
		return bsonx.Null, err
	}
	if q.lo > len(q.text) || q.hi >= 0 && q.hi < q.lo {
		return c.int32Value(-1), nil
	}
	if q.hi < 0 || q.hi > len(q.text) {
		q.hi = len(q.text)
	}
	i := strings.Index(q.text[q.lo:q.hi], q.wanted)
	if i >= 0 {
		i += q.lo
	}
	return c.int32Value(int32(i)), nil
}

func evalIndexOfCP(c *Context, x *call) (bsonx.Value, error) {
	q, null, err := x.search(c, 40093, 40094)
	if err != nil || null {
		return bsonx.Null, err
	}
	count := utf8.RuneCountInString(q.text)
	if q.hi < 0 || q.hi > count {
		q.hi = count
	}
	// As the server has it: no place is at the end of the text, but of an empty one.
	if q.lo > q.hi || q.lo == q.hi && q.lo > 0 {
		return c.int32Value(-1), nil
	}
	start := characters(q.text, q.lo)
	text := q.text[start : start+characters(q.text[start:], q.hi-q.lo)]
	i := strings.Index(text, q.wanted)
	if i < 0 {
		return c.int32Value(-1), nil
	}
	return c.int32Value(int32(q.lo + utf8.RuneCountInString(text[:i]))), nil
}

// search is what is looked for in a text, and between which places; hi is -1
// without an end.
type search struct {
	text, wanted string
	lo, hi       int
}

// search evaluates [text, wanted, start, end]. The codes are those of a text and
// of a wanted one that are no strings; null tells that the answer is null.
func (x *call) search(c *Context, textCode, wantedCode mongoerr.Code) (q search, null bool, err error) {
	text, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return q, false, err
	case bsonx.IsNullish(text):
		return q, true, nil
	case text.Type != bsonx.TypeString:
		return q, false, fail(textCode, "%s requires a string as the first argument, found: %s", x.name, nameOf(text))
	}
	wanted, err := x.args[1].Eval(c)
	if err != nil {
		return q, false, err
	}
	if wanted.Type != bsonx.TypeString {
		return q, false, fail(wantedCode, "%s requires a string as the second argument, found: %s", x.name, nameOf(wanted))
	}
	q.text, q.wanted = bsonx.Str(text), bsonx.Str(wanted)
	q.lo, q.hi, err = x.searchRange(c, 40096, 40097)
	return q, false, err
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
			return 0, fail(typeCode, "%srequires an integral %s index, found a value of type: %s, with value: %s", x.name, what, nameOf(v), ValueText(v))
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
