package expr

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
)

// The operands of $regexMatch and its kin, by place.
const (
	regexInput = iota
	regexPattern
	regexOptions
)

func buildRegex(fn func(c *Context, x *call, s string, re *Regex) (bsonx.Value, error)) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		if arg.Type != bsonx.TypeDocument {
			return nil, fail(51103, "%s expects an object of named arguments but found: %s", name, nameOf(arg))
		}
		args, err := sc.named(bsonx.AsDoc(arg), []string{"input", "regex", "options"}, func(key string) error {
			return fail(31024, "%s found an unknown argument: %s", name, key)
		})
		switch {
		case err != nil:
			return nil, err
		case args[regexInput] == nil:
			return nil, fail(31022, "%s requires 'input' parameter", name)
		case args[regexPattern] == nil:
			return nil, fail(31023, "%s requires 'regex' parameter", name)
		}
		return &call{name: name, args: args, unfolded: true, prepare: prepareRegex, fn: func(c *Context, x *call) (bsonx.Value, error) {
			return evalRegex(c, x, fn)
		}}, nil
	}
}

// prepareRegex compiles a constant pattern with constant options.
func prepareRegex(x *call) error {
	pat, ok := IsConstant(x.args[regexPattern])
	if !ok {
		return nil
	}
	options := bsonx.Missing
	if x.args[regexOptions] != nil {
		if options, ok = IsConstant(x.args[regexOptions]); !ok {
			return nil
		}
	}
	key, err := x.regexKey(pat, options)
	if err != nil || key == nil {
		return err
	}
	re, err := x.compileRegex(*key)
	x.data = re
	return err
}

// regexKey checks a pattern and options; nil if the pattern is null.
func (x *call) regexKey(pat, options bsonx.Value) (*regexKey, error) {
	key := &regexKey{}
	switch {
	case pat.Type == bsonx.TypeRegex:
		key.pattern, key.options = regexOf(pat)
	case pat.Type == bsonx.TypeString:
		key.pattern = bsonx.Str(pat)
	case !bsonx.IsNullish(pat):
		return nil, fail(51105, "%s needs 'regex' to be of type string or regex", x.name)
	}
	if !bsonx.IsNullish(options) && options.Type != bsonx.TypeString {
		return nil, fail(51106, "%s needs 'options' to be of type string", x.name)
	}
	if strings.IndexByte(key.pattern, 0) >= 0 {
		return nil, fail(51109, "%s: regular expression cannot contain an embedded null byte", x.name)
	}
	switch {
	case bsonx.IsNullish(options):
	case key.options != "":
		return nil, fail(51107, "%s: found regex option(s) specified in both 'regex' and 'option' fields", x.name)
	default:
		key.options = bsonx.Str(options)
		if strings.IndexByte(key.options, 0) >= 0 {
			return nil, fail(51110, "%s: regular expression options cannot contain an embedded null byte", x.name)
		}
	}
	if bsonx.IsNullish(pat) {
		return nil, nil
	}
	for i := range len(key.options) {
		if strings.IndexByte("imsxu", key.options[i]) < 0 {
			return nil, fail(51108, "%s invalid flag in regex options: %s", x.name, key.options[i:i+1])
		}
	}
	return key, nil
}

func (x *call) compileRegex(key regexKey) (*Regex, error) {
	re, err := CompileRegex(key.pattern, key.options)
	if bad, ok := errors.AsType[*RegexError](err); ok {
		return nil, fail(51111, "Invalid Regex in %s: %s", x.name, bad.Msg)
	}
	return re, err
}

// regexCacheMax is how many computed patterns a context remembers.
const regexCacheMax = 100

func evalRegex(c *Context, x *call, fn func(c *Context, x *call, s string, re *Regex) (bsonx.Value, error)) (bsonx.Value, error) {
	in, err := x.args[regexInput].Eval(c)
	if err != nil {
		return in, err
	}
	re, _ := x.data.(*Regex)
	if re == nil {
		if re, err = x.computedRegex(c); err != nil {
			return in, err
		}
	}
	if !bsonx.IsNullish(in) && in.Type != bsonx.TypeString {
		return in, fail(51104, "%s needs 'input' to be of type string", x.name)
	}
	if bsonx.IsNullish(in) || re == nil {
		return fn(c, x, "", nil)
	}
	return fn(c, x, bsonx.Str(in), re)
}

// computedRegex is the pattern of a document; nil if it is null.
func (x *call) computedRegex(c *Context) (*Regex, error) {
	pat, err := x.args[regexPattern].Eval(c)
	if err != nil {
		return nil, err
	}
	options, err := x.arg(c, regexOptions)
	if err != nil {
		return nil, err
	}
	key, err := x.regexKey(pat, options)
	if err != nil || key == nil {
		return nil, err
	}
	if re, ok := c.regex[*key]; ok {
		return re, nil
	}
	own := regexKey{strings.Clone(key.pattern), strings.Clone(key.options)}
	re, err := x.compileRegex(own)
	if err != nil {
		return nil, err
	}
	if c.regex == nil || len(c.regex) >= regexCacheMax {
		c.regex = map[regexKey]*Regex{}
	}
	c.regex[own] = re
	return re, nil
}

func (x *call) regexFailed(err error) error {
	if err == error(errMatchLimit) {
		return fail(51156, "Error occurred while executing the regular expression in %s. Result code: match limit exceeded", x.name)
	}
	return err
}

func evalRegexMatch(c *Context, x *call, s string, re *Regex) (bsonx.Value, error) {
	if re == nil {
		return bsonx.False, nil
	}
	ok, err := re.Match(s)
	if err != nil {
		return bsonx.Missing, x.regexFailed(err)
	}
	return bsonx.Bool(ok), nil
}

func evalRegexFind(c *Context, x *call, s string, re *Regex) (bsonx.Value, error) {
	if re == nil {
		return bsonx.Null, nil
	}
	loc, err := re.find(s, 0)
	if err != nil || loc == nil {
		return bsonx.Null, x.regexFailed(err)
	}
	return c.matchValue(s, loc, utf8.RuneCountInString(s[:loc[0]])), nil
}

func evalRegexFindAll(c *Context, x *call, s string, re *Regex) (bsonx.Value, error) {
	mark := len(c.stack)
	if re == nil {
		return c.arrayFrom(mark), nil
	}
	at, counted, index := 0, 0, 0 // index characters lie before the byte counted.
	for at < len(s) || at == 0 {
		loc, err := re.find(s, at)
		if err != nil {
			c.stack = c.stack[:mark]
			return bsonx.Missing, x.regexFailed(err)
		}
		if loc == nil {
			break
		}
		index += utf8.RuneCountInString(s[counted:loc[0]])
		counted = loc[0]
		c.stack = append(c.stack, c.matchValue(s, loc, index))
		if at = loc[1]; loc[1] == loc[0] {
			at += max(characters(s[at:], 1), 1)
		}
	}
	return c.arrayFrom(mark), nil
}

var matchFields = []string{"match", "idx", "captures"}

// matchValue is {match, idx, captures}.
func (c *Context) matchValue(s string, loc []int, index int) bsonx.Value {
	mark := len(c.stack)
	for i := 2; i < len(loc); i += 2 {
		v := bsonx.Null
		if loc[i] >= 0 {
			v = c.stringValue(s[loc[i]:loc[i+1]])
		}
		c.stack = append(c.stack, v)
	}
	captures := c.arrayFrom(mark)
	c.stack = append(c.stack, c.stringValue(s[loc[0]:loc[1]]), c.int32Value(int32(index)), captures)
	v := c.object(matchFields, c.stack[mark:])
	c.stack = c.stack[:mark]
	return v
}
