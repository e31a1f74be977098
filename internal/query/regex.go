package query

import (
	"bytes"
	"errors"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Regex is a compiled regular expression of a filter.
type Regex struct {
	Pattern string
	Options string // sorted, as they are compared with stored regular expressions.
	re      *expr.Regex
}

func newRegex(pattern, options string) (*Regex, error) {
	if strings.IndexByte(pattern, 0) >= 0 {
		return nil, mongoerr.New(mongoerr.BadValue, "Regular expression cannot contain an embedded null byte")
	}
	for i := range len(options) {
		if strings.IndexByte("imsxu", options[i]) < 0 {
			flag := options[i : i+1] // a byte, as the server has it.
			if flag == "\x00" {
				flag = " "
			}
			return nil, mongoerr.Newf(51108, " invalid flag in regex options: %s", flag)
		}
	}
	re, err := expr.CompileRegex(pattern, options)
	var bad *expr.RegexError
	if errors.As(err, &bad) {
		return nil, mongoerr.Newf(51091, "Regular expression is invalid: %s", bad.Msg)
	}
	if err != nil {
		return nil, err
	}
	return &Regex{Pattern: pattern, Options: options, re: re}, nil
}

// regexOf compiles a regular expression value.
func regexOf(v bsonx.Value) (*Regex, error) { return newRegex(regexParts(v)) }

func regexParts(v bsonx.Value) (pattern, options string) {
	end := bytes.IndexByte(v.Data, 0)
	return string(v.Data[:end]), string(v.Data[end+1 : len(v.Data)-1])
}

// regex tells whether v is a text that the expression finds something in, or
// the very same regular expression. A pattern that takes too long fails.
func (m *match) regex(r *Regex, v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeString, bsonx.TypeSymbol:
		ok, err := r.re.Match(bsonx.Str(v))
		if err != nil {
			m.err = err
		}
		return ok
	case bsonx.TypeRegex:
		end := bytes.IndexByte(v.Data, 0)
		return string(v.Data[:end]) == r.Pattern && string(v.Data[end+1:len(v.Data)-1]) == r.Options
	}
	return false
}
