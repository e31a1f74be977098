package expr

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Context is what one evaluation reads: the document, the variables' values,
// the time; and the memory that it may use. One goroutine owns it. The usual
// life is NewContext once, then for every document SetRoot, Eval…, Reset.
type Context struct {
	Now         int64          // $$NOW, in milliseconds since the epoch: one for a whole command.
	ClusterTime uint64         // $$CLUSTER_TIME as a BSON timestamp.
	Rand        func() float64 // $rand's dice, in [0, 1); without it $rand fails.

	// Interrupted is asked now and then by what may take long, and its error ends the
	// evaluation; nil: nothing ends it.
	Interrupted func() error

	work    int // done since Interrupted was asked.
	root    bsonx.Doc
	vars    []bsonx.Value
	stack   []bsonx.Value  // operands and elements under construction.
	both    []bsonx.Value  // what $setIntersection keeps.
	keys    []string       // names of the documents under construction.
	arena   []byte         // results of the current document; see bytes.
	index   map[string]int // places in keys, of a document with many fields.
	indexed struct{ mark, n int }

	zones map[string]*zone
	regex map[regexKey]*Regex
}

// The most memory that a context holds on to between documents: bytes of arena,
// values on the stack.
const (
	arenaKeepBytes = 4 << 20
	stackKeep      = 1 << 16
)

// NewContext is a context for expressions compiled in sc or in its sub-scopes.
func NewContext(sc *Scope) *Context {
	c := &Context{}
	if sc != nil {
		c.vars = make([]bsonx.Value, sc.family.slots)
	}
	return c
}

// SetRoot makes doc what paths and $$ROOT refer to. The context borrows it.
func (c *Context) SetRoot(doc bsonx.Doc) { c.root = doc }

// Root is the current document.
func (c *Context) Root() bsonx.Doc { return c.root }

// SetVar gives a variable its value, which the context borrows.
func (c *Context) SetVar(slot int, v bsonx.Value) {
	for slot >= len(c.vars) {
		c.vars = append(c.vars, bsonx.Missing)
	}
	c.vars[slot] = v
}

// Var is the value of a variable; Missing if it was never set.
func (c *Context) Var(slot int) bsonx.Value {
	if slot < len(c.vars) {
		return c.vars[slot]
	}
	return bsonx.Missing
}

// Reset ends the life of all results so far and makes their memory free for the
// next document. Variables and root stay.
func (c *Context) Reset() {
	if cap(c.arena) > arenaKeepBytes {
		c.arena = nil
	}
	c.arena = c.arena[:0]
	if cap(c.stack) > stackKeep {
		c.stack = nil
	}
	c.stack, c.keys = c.stack[:0], c.keys[:0]
}

// arenaMark is a place in the arena.
type arenaMark struct {
	chunk *byte
	n     int
}

// workMax is how much is done between two questions whether to go on: about as many
// elements, or 64 times as many bytes.
const workMax = 1 << 14

// worked notes an element that a loop has dealt with and the bytes that came of it.
// Every loop whose body is an expression calls it, since loops within loops multiply.
func (c *Context) worked(bytes int) error {
	if c.work += 1 + bytes>>6; c.work < workMax {
		return nil
	}
	c.work = 0
	if c.Interrupted == nil {
		return nil
	}
	return c.Interrupted()
}

func (c *Context) mark() arenaMark { return arenaMark{unsafe.SliceData(c.arena), len(c.arena)} }

// spent tells whether more than n bytes were taken since m.
func (c *Context) spent(m arenaMark, n int) bool {
	return unsafe.SliceData(c.arena) != m.chunk || len(c.arena)-m.n > n
}

// release gives back all that was taken since m, so that loops do not keep the
// garbage of every round. A chunk begun since then is wholly free.
func (c *Context) release(m arenaMark) {
	if unsafe.SliceData(c.arena) == m.chunk {
		c.arena = c.arena[:m.n]
	} else {
		c.arena = c.arena[:0]
	}
}

// Limits on what one operator may make, as the server has them.
const (
	memoryBytesMax = 100 << 20
	stringBytesMax = 16 << 20
)

// room fails if what lies on the stack from mark up is too much for one value.
func (c *Context) room(name string, mark int) error {
	size := 0
	for _, v := range c.stack[mark:] {
		size += len(v.Data)
	}
	if size > memoryBytesMax {
		return fail(mongoerr.ExceededMemoryLimit, "%s would use too much memory and cannot spill", name)
	}
	return nil
}

// stringRoom fails if a string would be too long.
func stringRoom(n int) error {
	if n > stringBytesMax {
		return fail(16493, "RCString too large. Requires size=%d < limit=%d", n, stringBytesMax)
	}
	return nil
}

// bytes takes n bytes of the arena. A chunk that is full is left to the values
// in it and replaced by one of twice its size, so that soon one is enough. A
// nil context, as the exported arithmetic may have, takes them from the heap.
func (c *Context) bytes(n int) []byte {
	if c == nil {
		return make([]byte, n)
	}
	if n > cap(c.arena)-len(c.arena) {
		c.arena = make([]byte, 0, max(2*cap(c.arena), n, 1<<10))
	}
	at := len(c.arena)
	c.arena = c.arena[:at+n]
	return c.arena[at : at+n : at+n]
}

func (c *Context) int32Value(n int32) bsonx.Value {
	b := c.bytes(4)
	binary.LittleEndian.PutUint32(b, uint32(n))
	return bsonx.Value{Type: bsonx.TypeInt32, Data: b}
}

func (c *Context) eight(t bsonx.Type, n uint64) bsonx.Value {
	b := c.bytes(8)
	binary.LittleEndian.PutUint64(b, n)
	return bsonx.Value{Type: t, Data: b}
}

func (c *Context) int64Value(n int64) bsonx.Value { return c.eight(bsonx.TypeInt64, uint64(n)) }

// intValue is an int32 if n fits, else an int64.
func (c *Context) intValue(n int64) bsonx.Value {
	if n == int64(int32(n)) {
		return c.int32Value(int32(n))
	}
	return c.int64Value(n)
}

func (c *Context) doubleValue(f float64) bsonx.Value {
	return c.eight(bsonx.TypeDouble, math.Float64bits(f))
}

func (c *Context) dateValue(ms int64) bsonx.Value { return c.eight(bsonx.TypeDate, uint64(ms)) }

func (c *Context) timestampValue(ts uint64) bsonx.Value { return c.eight(bsonx.TypeTimestamp, ts) }

// stringValue copies s.
func (c *Context) stringValue(s string) bsonx.Value {
	v, text := c.stringSpace(len(s))
	copy(text, s)
	return v
}

// stringSpace is a string value of n bytes, which the caller fills.
func (c *Context) stringSpace(n int) (bsonx.Value, []byte) {
	b := c.bytes(4 + n + 1)
	binary.LittleEndian.PutUint32(b, uint32(n+1))
	b[4+n] = 0
	return bsonx.Value{Type: bsonx.TypeString, Data: b}, b[4 : 4+n]
}

// arrayFrom makes an array of what lies on the stack from mark up, and takes it
// from the stack. A missing element becomes null.
func (c *Context) arrayFrom(mark int) bsonx.Value {
	elems := c.stack[mark:]
	v := c.array(elems)
	c.stack = c.stack[:mark]
	return v
}

// array copies the values into an array.
func (c *Context) array(elems []bsonx.Value) bsonx.Value {
	size := 5
	for i, e := range elems {
		size += 2 + indexLen(i) + len(e.Data)
	}
	b := c.bytes(size)
	at := 4
	for i, e := range elems {
		t := e.Type
		if t == bsonx.TypeMissing {
			t = bsonx.TypeNull
		}
		b[at] = byte(t)
		at++
		at += copy(b[at:], bsonx.Index(i))
		b[at] = 0
		at++
		at += copy(b[at:], e.Data)
	}
	b[at] = 0
	binary.LittleEndian.PutUint32(b, uint32(size))
	return bsonx.Value{Type: bsonx.TypeArray, Data: b}
}

func indexLen(i int) int {
	n := 1
	for i >= 10 {
		i /= 10
		n++
	}
	return n
}

// object makes a document of keys and values; missing values are left out.
func (c *Context) object(keys []string, values []bsonx.Value) bsonx.Value {
	size := 5
	for i, v := range values {
		if v.Type != bsonx.TypeMissing {
			size += 2 + len(keys[i]) + len(v.Data)
		}
	}
	b := c.bytes(size)
	at := 4
	for i, v := range values {
		if v.Type != bsonx.TypeMissing {
			at += putElement(b[at:], keys[i], v)
		}
	}
	b[at] = 0
	binary.LittleEndian.PutUint32(b, uint32(size))
	return bsonx.Value{Type: bsonx.TypeDocument, Data: b}
}

// putElement writes one element of a document and returns its length.
func putElement(b []byte, key string, v bsonx.Value) int {
	b[0] = byte(v.Type)
	at := 1 + copy(b[1:], key)
	b[at] = 0
	return at + 1 + copy(b[at+1:], v.Data)
}

// pushElements puts an array's elements on the stack.
func (c *Context) pushElements(array bsonx.Value) {
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); {
		c.stack = append(c.stack, it.Value())
	}
}
