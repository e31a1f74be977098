package query

import "github.com/pandodb/pando/internal/bsonx"

// operator is what a leaf of an update's tree does to its element.
type operator interface {
	// apply appends the element that becomes of v to a's document and returns
	// wrote, or changes nothing there and returns what else is to be done.
	// v is missing only if creates.
	apply(a *application, key string, v bsonx.Value) (outcome, error)

	// creates tells whether there is something to do where there is no element.
	creates() bool

	// mindsPath tells whether an operator that does not create still fails at a
	// path on which an element could not be.
	mindsPath() bool
}

// modifier compiles one field of an update operator.
type modifier func(path string, v bsonx.Value) (operator, error)

// modifiers are the update operators but for $rename, which has two paths.
var modifiers = map[string]modifier{
	"$set":         func(_ string, v bsonx.Value) (operator, error) { return set{v}, nil },
	"$setOnInsert": func(_ string, v bsonx.Value) (operator, error) { return set{v}, nil },
	"$unset":       func(string, bsonx.Value) (operator, error) { return unset{}, nil },
	"$min":         func(_ string, v bsonx.Value) (operator, error) { return extreme{v, -1}, nil },
	"$max":         func(_ string, v bsonx.Value) (operator, error) { return extreme{v, 1}, nil },
	"$inc":         newInc,
	"$mul":         newMul,
	"$bit":         newBit,
	"$currentDate": newCurrentDate,
	"$push":        newPush,
	"$addToSet":    newAddToSet,
	"$pop":         newPop,
	"$pull":        newPull,
	"$pullAll":     newPullAll,
	"$rename":      nil,
}

// creator is embedded by operators that make their element where there is none.
type creator struct{}

func (creator) creates() bool   { return true }
func (creator) mindsPath() bool { return true }

// pruner is embedded by operators that only take from arrays.
type pruner struct{}

func (pruner) creates() bool   { return false }
func (pruner) mindsPath() bool { return true }

// put writes a value unless it is the very same as the old one.
func put(a *application, key string, old, v bsonx.Value) (outcome, error) {
	if old.Type == v.Type && string(old.Data) == string(v.Data) {
		return same, nil
	}
	a.b.Value(key, v)
	return wrote, nil
}

// idle stands where $setOnInsert has nothing to do: its path must still go
// through arrays where it says so.
type idle struct{}

func (idle) creates() bool   { return false }
func (idle) mindsPath() bool { return false }

func (idle) apply(*application, string, bsonx.Value) (outcome, error) { return same, nil }
