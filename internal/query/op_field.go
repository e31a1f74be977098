package query

import (
	"github.com/pandodb/pando/internal/bsonx"
)

// set is $set and $setOnInsert.
type set struct{ v bsonx.Value }

func (set) creates() bool   { return true }
func (set) mindsPath() bool { return true }

func (s set) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	return put(a, key, v, s.v)
}

// unset is $unset. In an array the element becomes null.
type unset struct{}

func (unset) creates() bool   { return false }
func (unset) mindsPath() bool { return false }

func (unset) apply(*application, string, bsonx.Value) (outcome, error) { return removed, nil }

// extreme is $min and $max.
type extreme struct {
	v    bsonx.Value
	sign int
}

func (extreme) creates() bool   { return true }
func (extreme) mindsPath() bool { return true }

func (x extreme) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	if v.Type != bsonx.TypeMissing && bsonx.Compare(x.v, v)*x.sign <= 0 {
		return same, nil
	}
	a.b.Value(key, x.v)
	return wrote, nil
}

// currentDate is $currentDate.
type currentDate struct {
	creator
	timestamp bool
}

func newCurrentDate(_ string, v bsonx.Value) (operator, error) {
	const wanted = "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}"
	switch v.Type {
	case bsonx.TypeBool:
		return currentDate{}, nil
	case bsonx.TypeDocument:
		c, found := currentDate{}, false
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			if it.Key() != "$type" {
				return nil, bad("Unrecognized $currentDate option: %s", it.Key())
			}
			if it.Value().Type != bsonx.TypeString {
				return nil, bad("%s", wanted)
			}
			switch bsonx.Str(it.Value()) {
			case "date":
				c.timestamp = false
			case "timestamp":
				c.timestamp = true
			default:
				return nil, bad("%s", wanted)
			}
			found = true
		}
		if !found {
			return nil, bad("%s", wanted)
		}
		return c, nil
	}
	return nil, bad("%s is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).", bsonx.TypeName(v.Type))
}

func (c currentDate) apply(a *application, key string, _ bsonx.Value) (outcome, error) {
	if c.timestamp {
		a.b.Timestamp(key, a.ctx.ClusterTime)
	} else {
		a.b.Date(key, a.ctx.Now)
	}
	return wrote, nil
}
