package bsonx

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Builder appends one document, element by element, to a buffer that it owns.
// The zero Builder is not ready: use [NewBuilder] or Reset.
//
//	b := bsonx.NewBuilder(nil)
//	b.OpenDoc("cursor"); b.Int64("id", 0); b.Close()
//	doc := b.Doc()
type Builder struct {
	buf    []byte
	origin int   // where the document starts.
	start  []int // offsets of the open documents' lengths, the outermost first.
}

// NewBuilder starts a document at the end of buf, which the builder takes over.
func NewBuilder(buf []byte) *Builder {
	b := &Builder{}
	b.Reset(buf)
	return b
}

// Reset starts anew at the end of buf.
func (b *Builder) Reset(buf []byte) {
	b.buf, b.origin, b.start = buf, len(buf), b.start[:0]
	b.open()
}

// Doc ends the document and returns it. The bytes are the caller's until the next Reset on the same buffer.
func (b *Builder) Doc() Doc {
	if len(b.start) != 1 {
		panic("bsonx: Doc with an open sub-document")
	}
	at := b.start[0]
	b.Close()
	return Doc(b.buf[at:len(b.buf):len(b.buf)])
}

// Buffer is everything in the builder's buffer: what stood there before, and the
// document if Doc has ended it.
func (b *Builder) Buffer() []byte { return b.buf }

// Rewind forgets everything and starts the document anew at the same place.
func (b *Builder) Rewind() { b.Reset(b.buf[:b.origin]) }

// Mark is a place in the document; RewindTo forgets what was appended after it,
// with the same documents open as at the mark.
func (b *Builder) Mark() int { return len(b.buf) }

// RewindTo goes back to a mark.
func (b *Builder) RewindTo(mark int) { b.buf = b.buf[:mark] }

// Size is the number of bytes appended so far to the outermost document.
func (b *Builder) Size() int { return len(b.buf) - b.origin }

func (b *Builder) open() {
	b.start = append(b.start, len(b.buf))
	b.buf = append(b.buf, 0, 0, 0, 0)
}

func (b *Builder) header(t Type, key string) {
	b.buf = append(b.buf, byte(t))
	b.buf = append(b.buf, key...)
	b.buf = append(b.buf, 0)
}

// OpenDoc begins an embedded document; Close ends it.
func (b *Builder) OpenDoc(key string) { b.header(TypeDocument, key); b.open() }

// OpenArray begins an array, whose elements' keys the caller gives (see [Index]); Close ends it.
func (b *Builder) OpenArray(key string) { b.header(TypeArray, key); b.open() }

// Close ends the innermost open document or array.
func (b *Builder) Close() {
	at := b.start[len(b.start)-1]
	b.start = b.start[:len(b.start)-1]
	b.buf = append(b.buf, 0)
	binary.LittleEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at))
}

// Value appends any value; a missing one is left out.
func (b *Builder) Value(key string, v Value) {
	if v.Type == TypeMissing {
		return
	}
	b.header(v.Type, key)
	b.buf = append(b.buf, v.Data...)
}

// EmbedDoc appends a document's bytes.
func (b *Builder) EmbedDoc(key string, d Doc) {
	b.header(TypeDocument, key)
	b.buf = append(b.buf, d...)
}

// EmbedArray appends an array's bytes.
func (b *Builder) EmbedArray(key string, d Doc) {
	b.header(TypeArray, key)
	b.buf = append(b.buf, d...)
}

// Fields appends all elements of d as they are.
func (b *Builder) Fields(d Doc) {
	if len(d) > 5 {
		b.buf = append(b.buf, d[4:len(d)-1]...)
	}
}

// Double appends a double.
func (b *Builder) Double(key string, f float64) {
	b.header(TypeDouble, key)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, math.Float64bits(f))
}

// Int32 appends an int32.
func (b *Builder) Int32(key string, n int32) {
	b.header(TypeInt32, key)
	b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(n))
}

// Int64 appends an int64.
func (b *Builder) Int64(key string, n int64) {
	b.header(TypeInt64, key)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, uint64(n))
}

// Date appends a date, in milliseconds since the epoch.
func (b *Builder) Date(key string, ms int64) {
	b.header(TypeDate, key)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, uint64(ms))
}

// Timestamp appends a timestamp: seconds in the high half, the increment in the low.
func (b *Builder) Timestamp(key string, ts uint64) {
	b.header(TypeTimestamp, key)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, ts)
}

// Bool appends a boolean.
func (b *Builder) Bool(key string, v bool) { b.Value(key, Bool(v)) }

// Null appends a null.
func (b *Builder) Null(key string) { b.header(TypeNull, key) }

// String appends a string.
func (b *Builder) String(key, s string) {
	b.header(TypeString, key)
	b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(len(s)+1))
	b.buf = append(b.buf, s...)
	b.buf = append(b.buf, 0)
}

// Binary appends binary data of the given subtype.
func (b *Builder) Binary(key string, subtype byte, data []byte) {
	b.header(TypeBinary, key)
	b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(len(data)))
	b.buf = append(b.buf, subtype)
	b.buf = append(b.buf, data...)
}

// ObjectID appends an ObjectId.
func (b *Builder) ObjectID(key string, id [12]byte) {
	b.header(TypeObjectID, key)
	b.buf = append(b.buf, id[:]...)
}

var indexes = func() (s [1000]string) {
	for i := range s {
		s[i] = strconv.Itoa(i)
	}
	return s
}()

// Index is the key of an array's i-th element; small ones cost nothing.
func Index(i int) string {
	if i < len(indexes) {
		return indexes[i]
	}
	return strconv.Itoa(i)
}
