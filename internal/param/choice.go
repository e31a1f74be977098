package param

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pandodb/pando/internal/bsonx"
)

// Choice is one of a few words.
type Choice struct {
	named
	words []string     // the first is the default.
	value atomic.Int32 // index of a word.
}

func (t *table) choice(name string, when When, words ...string) *Choice {
	p := &Choice{named: named{name, when}, words: words}
	t.add(p)
	return p
}

// Is tells whether word is the present value.
func (p *Choice) Is(word string) bool { return p.words[p.value.Load()] == word }

// Value is the present value in BSON.
func (p *Choice) Value() bsonx.Value { return bsonx.String(p.words[p.value.Load()]) }

func (p *Choice) set(v bsonx.Value) error {
	if v.Type != bsonx.TypeString {
		return badValue("Invalid value for parameter %s: %s is not a string", p.name, bsonx.ShellString(v))
	}
	return p.parse(bsonx.Str(v))
}

func (p *Choice) parse(text string) error {
	at := slices.Index(p.words, text)
	if at < 0 {
		return badValue("Invalid value for parameter %s: '%s' is not one of %s", p.name, text, strings.Join(p.words, ", "))
	}
	p.value.Store(int32(at))
	return nil
}
