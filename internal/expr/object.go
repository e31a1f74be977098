package expr

import (
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// putField sets a field of the document under construction: the keys from
// keyMark up, with their values on the stack from mark up. An old field keeps
// its place.
func (c *Context) putField(keyMark, mark int, key string, v bsonx.Value) {
	if i := c.findKey(keyMark, key); i >= 0 {
		c.stack[mark+i] = v
		return
	}
	c.keys = append(c.keys, key)
	c.stack = append(c.stack, v)
}

// linearKeys is how many names are searched one by one, before it is worth to
// index them.
const linearKeys = 100

// findKey is the place of a name among those from keyMark up, or -1.
func (c *Context) findKey(keyMark int, key string) int {
	keys := c.keys[keyMark:]
	if len(keys) < linearKeys {
		return slices.Index(keys, key)
	}
	// The index is that of the last document it was used for, as far as it
	// still tells the truth: names are only added, and the truth is in keys.
	if c.index == nil || c.indexed.mark != keyMark || c.indexed.n > len(keys) {
		c.index = make(map[string]int, 2*len(keys))
		c.indexed.mark, c.indexed.n = keyMark, 0
	}
	for ; c.indexed.n < len(keys); c.indexed.n++ {
		c.index[keys[c.indexed.n]] = c.indexed.n
	}
	if i, ok := c.index[key]; ok && i < len(keys) && keys[i] == key {
		return i
	}
	return -1
}

// objectFrom makes the document under construction and takes it off the stacks.
func (c *Context) objectFrom(keyMark, mark int) bsonx.Value {
	v := c.object(c.keys[keyMark:], c.stack[mark:])
	c.dropObject(keyMark, mark)
	return v
}

// dropObject takes the document under construction off the stacks.
func (c *Context) dropObject(keyMark, mark int) {
	c.index = nil // its names are the document's.
	c.keys, c.stack = c.keys[:keyMark], c.stack[:mark]
}

func evalMergeObjects(c *Context, x *call) (bsonx.Value, error) {
	keyMark, mark := len(c.keys), len(c.stack)
	err := x.overUntil(c, func(v bsonx.Value) error {
		switch {
		case bsonx.IsNullish(v):
		case v.Type != bsonx.TypeDocument:
			return fail(40400, "$mergeObjects requires object inputs, but input %s is of type %s", ValueText(v), nameOf(v))
		default:
			for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
				c.putField(keyMark, mark, it.Key(), it.Value())
			}
		}
		return nil
	})
	if err == nil {
		err = c.room(x.name, mark)
	}
	if err != nil {
		c.dropObject(keyMark, mark)
		return bsonx.Missing, err
	}
	return c.objectFrom(keyMark, mark), nil
}

// pair is the field names of what $objectToArray makes.
var pair = []string{"k", "v"}

func evalObjectToArray(c *Context, _ *call, v bsonx.Value) (bsonx.Value, error) {
	if v.Type != bsonx.TypeDocument {
		return v, fail(40390, "$objectToArray requires a document input, found: %s", nameOf(v))
	}
	mark := len(c.stack)
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		top := len(c.stack)
		c.stack = append(c.stack, c.stringValue(it.Key()), it.Value())
		o := c.object(pair, c.stack[top:])
		c.stack = append(c.stack[:top], o)
	}
	return c.arrayFrom(mark), nil
}

func evalArrayToObject(c *Context, _ *call, a bsonx.Value) (bsonx.Value, error) {
	if a.Type != bsonx.TypeArray {
		return a, fail(40386, "$arrayToObject requires an array input, found: %s", nameOf(a))
	}
	keyMark, mark := len(c.keys), len(c.stack)
	shape := bsonx.TypeMissing // of the first element, and then of all.
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		e := it.Value()
		var key string
		var v bsonx.Value
		var err error
		switch {
		case shape == bsonx.TypeMissing && e.Type != bsonx.TypeArray && e.Type != bsonx.TypeDocument:
			err = fail(40398, "Unrecognised input type format for $arrayToObject: %s", nameOf(e))
		case shape == bsonx.TypeArray && e.Type != shape:
			err = fail(40396, "$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. Array was detected, now found: %s", nameOf(e))
		case shape == bsonx.TypeDocument && e.Type != shape:
			err = fail(40391, "$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. Object was detected, now found: %s", nameOf(e))
		case e.Type == bsonx.TypeArray:
			key, v, err = pairOfArray(e)
		default:
			key, v, err = pairOfObject(e)
		}
		if err != nil {
			c.dropObject(keyMark, mark)
			return a, err
		}
		shape = e.Type
		c.putField(keyMark, mark, key, v)
	}
	return c.objectFrom(keyMark, mark), nil
}

// pairOfArray reads [key, value].
func pairOfArray(e bsonx.Value) (string, bsonx.Value, error) {
	if n := arrayLen(e); n != 2 {
		return "", e, fail(40397, "$arrayToObject requires an array of size 2 arrays,found array of size: %d", n)
	}
	k := elementAt(e, 0)
	if k.Type != bsonx.TypeString {
		return "", e, fail(40395, "$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: %s", nameOf(k))
	}
	return keyOf(k, elementAt(e, 1), 4940400)
}

// pairOfObject reads {k: key, v: value}.
func pairOfObject(e bsonx.Value) (string, bsonx.Value, error) {
	d := bsonx.AsDoc(e)
	if n := bsonx.Len(d); n != 2 {
		return "", e, fail(40392, "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:%d", n)
	}
	k, v := bsonx.Get(d, "k"), bsonx.Get(d, "v")
	switch {
	case bsonx.IsMissing(k) || bsonx.IsMissing(v):
		return "", e, fail(40393, "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys from: %s", ValueText(e))
	case k.Type != bsonx.TypeString:
		return "", e, fail(40394, "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. Found type: %s", nameOf(k))
	}
	return keyOf(k, v, 4940401)
}

func keyOf(k, v bsonx.Value, code mongoerr.Code) (string, bsonx.Value, error) {
	key := bsonx.Str(k)
	if strings.IndexByte(key, 0) >= 0 {
		return "", v, fail(code, "Key field cannot contain an embedded null byte")
	}
	return key, v, nil
}
