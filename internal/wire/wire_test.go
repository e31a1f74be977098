package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/testenv"
)

// doc makes a document of string fields from alternating names and values.
func doc(pairs ...string) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	for i := 0; i < len(pairs); i += 2 {
		b.String(pairs[i], pairs[i+1])
	}
	return b.Doc()
}

var ping = doc("ping", "1", "$db", "admin")

// frame puts a header before a body.
func frame(op OpCode, body []byte) []byte {
	out := make([]byte, headerBytes, headerBytes+len(body))
	header{size: headerBytes + len(body), id: 7, op: op}.put(out)
	return append(out, body...)
}

// msg is an OP_MSG with raw sections.
func msg(flags Flags, sections ...[]byte) []byte {
	body := binary.LittleEndian.AppendUint32(nil, uint32(flags))
	for _, s := range sections {
		body = append(body, s...)
	}
	return frame(OpMsg, body)
}

func body(d []byte) []byte { return append([]byte{kindBody}, d...) }

// seq is a kind 1 section; size 0 means the true one.
func seq(id string, size int, docs ...[]byte) []byte {
	content := append([]byte(id), 0)
	for _, d := range docs {
		content = append(content, d...)
	}
	if size == 0 {
		size = 4 + len(content)
	}
	return append(binary.LittleEndian.AppendUint32([]byte{kindSequence}, uint32(size)), content...)
}

func query(ns string, flags uint32, count int32, rest ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, flags)
	b = append(append(b, ns...), 0)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(count))
	for _, r := range rest {
		b = append(b, r...)
	}
	return frame(OpQuery, b)
}

// compressed wraps a plain message; claim is added to its claimed size.
func compressed(plain []byte, c Compressor, claim int) []byte {
	b := append([]byte(nil), plain[12:16]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(plain)-headerBytes+claim))
	b = append(b, c.id())
	return frame(OpCompressed, c.shrink(b, plain[headerBytes:]))
}

func read(b []byte) (*Message, error) { return NewReader(bytes.NewReader(b)).Read() }

func TestReadMsg(t *testing.T) {
	one, two := doc("_id", "1"), doc("_id", "2")
	insert := doc("insert", "c", "$db", "test")
	for name, in := range map[string][]byte{
		"body first":       msg(0, body(insert), seq("documents", 0, one, two)),
		"body last":        msg(0, seq("documents", 0, one, two), body(insert)),
		"append":           AppendMsg(nil, 7, 0, insert, Sequence{"documents", []bsonx.Doc{one, two}}),
		"checksum":         AppendMsg(nil, 7, ChecksumPresent, insert, Sequence{"documents", []bsonx.Doc{one, two}}),
		"optional flag":    msg(1<<17|1<<31, body(insert), seq("documents", 0, one, two)),
		"snappy":           compressed(msg(0, body(insert), seq("documents", 0, one, two)), Snappy, 0),
		"zstd":             compressed(msg(0, body(insert), seq("documents", 0, one, two)), Zstd, 0),
		"zlib":             compressed(msg(0, body(insert), seq("documents", 0, one, two)), Zlib, 0),
		"noop":             compressed(msg(0, body(insert), seq("documents", 0, one, two)), Noop, 0),
		"checksum in zlib": compressed(AppendMsg(nil, 7, ChecksumPresent, insert, Sequence{"documents", []bsonx.Doc{one, two}}), Zlib, 0),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := read(in)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Release()
			if m.RequestID != 7 || m.Op != OpMsg || !bytes.Equal(m.Body, insert) {
				t.Errorf("got %d %d %s", m.RequestID, m.Op, m.Body)
			}
			if len(m.Sequences) != 1 || m.Sequences[0].ID != "documents" || len(m.Sequences[0].Docs) != 2 ||
				!bytes.Equal(m.Sequences[0].Docs[1], two) {
				t.Errorf("got sequences %v", m.Sequences)
			}
		})
	}
}

// TestAnswered holds the reference server's texts for messages that it answers
// with an error and survives.
func TestAnswered(t *testing.T) {
	one := doc("_id", "1") // 16 bytes
	insert := doc("insert", "c", "$db", "test")
	const where = " in element with field name '?' in object with unknown _id"
	for _, c := range []struct {
		name string
		in   []byte
		code mongoerr.Code
		text string
	}{
		{"no section", msg(0), 40587, "OP_MSG messages must have a body"},
		{"sequence only", msg(0, seq("documents", 0, one)), 40587, "OP_MSG messages must have a body"},
		{"two bodies", msg(0, body(ping), body(ping)), 40430, "Multiple body sections in message"},
		{"token", msg(0, body(ping), []byte{2, 0}), 13, "Unsupported Security Token provided"},
		{"kind 3", msg(0, body(ping), []byte{3, 0}), 40432, "Unknown section kind 3"},
		{"sequence too long", msg(0, body(insert), seq("documents", 1000, one)), 15, "Invalid advance (996) past end of buffer[26] at offset: 0"},
		{"sequence of 3", msg(0, body(insert), seq("documents", 3, one)), 15, "Invalid advance (4294967295) past end of buffer[26] at offset: 0"},
		{"sequence without name", msg(0, body(insert), []byte{1, 8, 0, 0, 0, 'd', 'o', 'c', 's'}), 15, `couldn't locate terminal char (\u0000) in buffer[4] at offset: 0`},
		{"document cut", msg(0, body(insert), seq("documents", 0, one[:15])), 22, "Incorrect BSON length 16 should be less or equal to 15" + where},
		{"sequence twice", msg(0, body(insert), seq("documents", 0, one), seq("documents", 0, one)), 40431, "Duplicate document sequence: documents"},
		{"sequence and field", msg(0, body(doc("insert", "c", "documents", "")), seq("documents", 0, one)), 40433, "Duplicate field between body and document sequence documents"},
		{"length too long", msg(0, body(append([]byte{232, 3, 0, 0}, ping[4:]...))), 22, "Incorrect BSON length 1000 should be less or equal to 32" + where},
		{"length 4", msg(0, body(append([]byte{4, 0, 0, 0}, ping[4:]...))), 22, "BSON data has to be at least 5 bytes" + where},
		{"query of a collection", query("test.c", 0, -1, doc("hello", "1")), 5739101, "OP_QUERY is no longer supported. " + opcodeRemoved},
		{"query of ping", query("test.$cmd", 0, -1, doc("ping", "1")), 352, "Unsupported OP_QUERY command: ping. " + opcodeRemoved},
		{"query in other case", query("test.$cmd", 0, -1, doc("IsMaster", "1")), 352, "Unsupported OP_QUERY command: IsMaster. " + opcodeRemoved},
		{"query for five", query("test.$cmd", 0, 5, doc("isMaster", "1")), 16979, "Bad numberToReturn (5) for $cmd type ns - can only be 1 or -1"},
		{"query with $db", query("test.$cmd", 0, 1, doc("isMaster", "1", "$db", "x")), 40621, "$db is not allowed in OP_QUERY requests"},
		{"query with a tail", query("test.$cmd", 0, 1, doc("isMaster", "1"), []byte("abc")), 22, "Client Error: Remaining data too small for BSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := read(c.in)
			e, ok := errors.AsType[*mongoerr.Error](err)
			if m == nil || !ok || e.Code != c.code || e.Msg != c.text {
				t.Fatalf("got message %v, error %v", m != nil, err)
			}
			m.Release()
		})
	}
}

// TestFatal holds what ends a connection.
func TestFatal(t *testing.T) {
	length := func(n int32) []byte {
		b := frame(OpMsg, nil)
		binary.LittleEndian.PutUint32(b, uint32(n))
		return b
	}
	bad := AppendMsg(nil, 7, ChecksumPresent, ping)
	bad[len(bad)-1] ^= 1
	plain := msg(0, body(ping))
	for name, in := range map[string][]byte{
		"required flag":       msg(1<<2, body(ping)),
		"checksum":            bad,
		"checksum in zlib":    compressed(bad, Zlib, 0),
		"length 15":           length(15),
		"length -1":           length(-1),
		"length 48000001":     length(48_000_001),
		"only a header":       length(16),
		"opcode 2002":         frame(2002, plain[16:]),
		"claims more":         compressed(plain, Zlib, 1),
		"claims less":         compressed(plain, Zlib, -1),
		"snappy claims more":  compressed(plain, Snappy, 1),
		"snappy claims less":  compressed(plain, Snappy, -1),
		"zstd claims more":    compressed(plain, Zstd, 1),
		"zstd claims less":    compressed(plain, Zstd, -1),
		"noop claims more":    compressed(plain, Noop, 1),
		"claims 48 MB":        compressed(plain, Zstd, 47_000_000),
		"claims too much":     compressed(plain, Zstd, 48_000_000),
		"claims less than 0":  compressed(plain, Zstd, -1000),
		"unknown compressor":  compressed(plain, Zstd+1, 0),
		"nested":              compressed(compressed(plain, Zlib, 0), Zlib, 0),
		"short compressed":    frame(OpCompressed, []byte{1, 2, 3}),
		"garbage compressed":  frame(OpCompressed, []byte("\xdd\x07\x00\x00\x10\x00\x00\x00\x02garbage")),
		"query without a nul": frame(OpQuery, []byte("\x00\x00\x00\x00test")),
		"cut":                 plain[:len(plain)-1],
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := read(in); m != nil || err == nil || err == io.EOF {
				t.Fatalf("got message %v, error %v", m != nil, err)
			}
		})
	}
	if _, err := read(nil); err != io.EOF {
		t.Errorf("an end between messages: %v", err)
	}
}

func TestDepth(t *testing.T) {
	deep := bsonx.Empty
	for depth := 1; ; depth++ {
		b := bsonx.NewBuilder(nil)
		b.EmbedDoc("a", deep)
		deep = b.Doc()
		m, err := read(msg(0, body(deep)))
		if err == nil {
			m.Release()
			continue
		}
		if depth != bsonx.DepthMax+1 || mongoerr.From(err).Code != mongoerr.Overflow {
			t.Errorf("depth %d: %v", depth, err)
		}
		return
	}
}

func TestQueryGetsItsDatabase(t *testing.T) {
	for _, rest := range [][][]byte{{doc("isMaster", "1")}, {doc("isMaster", "1"), doc("a", "1")}} {
		m, err := read(query("test.$cmd", 4, -1, rest...))
		if err != nil {
			t.Fatal(err)
		}
		if got := bsonx.Str(bsonx.Get(m.Body, "$db")); m.Op != OpQuery || got != "test" {
			t.Errorf("op %d, $db %q", m.Op, got)
		}
		m.Release()
	}
}

// TestReply sends replies in all forms and reads them as a client would.
func TestReply(t *testing.T) {
	ok := doc("ok", strings.Repeat("1", 1000))
	for name, in := range map[string][]byte{
		"plain":         msg(0, body(ping)),
		"checksum":      AppendMsg(nil, 7, ChecksumPresent, ping),
		"snappy":        compressed(msg(0, body(ping)), Snappy, 0),
		"zlib":          compressed(msg(0, body(ping)), Zlib, 0),
		"zstd checksum": compressed(AppendMsg(nil, 7, ChecksumPresent, ping), Zstd, 0),
		"noop":          compressed(msg(0, body(ping)), Noop, 0),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := read(in)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			w := NewWriter(&out)
			for want := range int32(2) {
				id, err := w.Send(m, append(w.Begin(m), ok...), want == 0)
				if err != nil || id != want+1 {
					t.Fatal(id, err)
				}
			}
			r := NewReader(&out)
			for i := range 2 {
				back, err := r.Read()
				if err != nil {
					t.Fatal(err)
				}
				if back.ResponseTo != 7 || back.Compressor != m.Compressor || !bytes.Equal(back.Body, ok) ||
					back.Flags&ChecksumPresent != m.Flags&ChecksumPresent || (back.Flags&MoreToCome != 0) != (i == 0) {
					t.Errorf("got %+v", back)
				}
			}
		})
	}
}

func TestReplyToQuery(t *testing.T) {
	m, err := read(query("test.$cmd", 0, -1, doc("isMaster", "1")))
	if err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string]uint32{"ok": 8, "$err": 2} {
		var out bytes.Buffer
		w := NewWriter(&out)
		if _, err := w.Send(m, append(w.Begin(m), doc(name, "1")...), false); err != nil {
			t.Fatal(err)
		}
		b := out.Bytes()
		if op := OpCode(binary.LittleEndian.Uint32(b[12:])); op != OpReply {
			t.Errorf("opcode %d", op)
		}
		if got := binary.LittleEndian.Uint32(b[16:]); got != flags {
			t.Errorf("%s: flags %d", name, got)
		}
		if !bytes.Equal(b[36:], doc(name, "1")) {
			t.Errorf("document %x", b[36:])
		}
	}
}

// TestSmallClaimsCostLittle sends headers that promise 48 MB and hang up.
func TestSmallClaimsCostLittle(t *testing.T) {
	head := make([]byte, headerBytes)
	header{size: bsonx.MessageBytesMax, id: 1, op: OpMsg}.put(head)
	res := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := read(head); err != io.ErrUnexpectedEOF {
				b.Fatal(err)
			}
		}
	})
	if n := res.AllocedBytesPerOp(); n > 2*pieceBytes {
		t.Errorf("%d bytes for a header", n)
	}
}

func TestNegotiate(t *testing.T) {
	got := Negotiate([]string{"zlib", "lz4", "snappy", "zlib"}, Compressors())
	if strings.Join(got, " ") != "zlib snappy" {
		t.Errorf("got %v", got)
	}
}

func TestReadAllocates(t *testing.T) {
	testenv.CountsAllocations(t)
	in := msg(0, body(doc("insert", "c", "$db", "test")), seq("documents", 0, doc("_id", "1"), doc("_id", "2")))
	src := bytes.NewReader(in)
	r := NewReader(src)
	var out bytes.Buffer
	w := NewWriter(&out)
	ok := doc("ok", "1")
	n := testing.AllocsPerRun(1000, func() {
		src.Reset(in)
		out.Reset()
		m, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Send(m, append(w.Begin(m), ok...), false); err != nil {
			t.Fatal(err)
		}
		m.Release()
	})
	if n > 8 { // the sequence's name; the race detector empties pools at random.
		t.Errorf("%v allocations for a message and its reply", n)
	}
}
