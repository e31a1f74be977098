package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// FuzzRead feeds whole connections of arbitrary bytes. Nothing may panic, every
// document that comes through must be valid, and a message must survive being
// written and read again.
func FuzzRead(f *testing.F) {
	one := doc("_id", "1")
	plain := AppendMsg(nil, 1, ChecksumPresent, ping, Sequence{"documents", []bsonx.Doc{one, one}})
	f.Add(plain)
	f.Add(append(bytes.Clone(plain), plain...))
	for _, c := range []Compressor{Noop, Snappy, Zlib, Zstd} {
		f.Add(compressed(plain, c, 0))
		f.Add(compressed(plain, c, 1))
	}
	f.Add(query("test.$cmd", 0, -1, doc("isMaster", "1")))
	f.Add(query("test.c", 0, -1, doc("isMaster", "1"), doc("a", "1")))
	f.Add(msg(0, body(ping), []byte{2, 0}))
	f.Add(msg(0, seq("documents", 1000, one), body(ping)))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in))
		for {
			m, err := r.Read()
			if m == nil {
				if err == nil {
					t.Fatal("neither message nor error")
				}
				return
			}
			if err != nil {
				if _, ok := errors.AsType[*mongoerr.Error](err); !ok {
					t.Fatalf("an answer that is not a client's: %v", err)
				}
				m.Release()
				continue
			}
			again(t, m)
			m.Release()
		}
	})
}

func again(t *testing.T, m *Message) {
	back, err := read(AppendMsg(nil, m.RequestID, m.Flags&flagsKnown, m.Body, m.Sequences...))
	if err != nil {
		t.Fatalf("written again: %v", err)
	}
	defer back.Release()
	if !bytes.Equal(back.Body, m.Body) || len(back.Sequences) != len(m.Sequences) {
		t.Fatalf("written again: another message")
	}
	for i, s := range m.Sequences {
		if len(back.Sequences[i].Docs) != len(s.Docs) {
			t.Fatalf("sequence %q has %d documents of %d", s.ID, len(back.Sequences[i].Docs), len(s.Docs))
		}
		for _, d := range s.Docs {
			if err := bsonx.Validate(d, bsonx.DepthMax); err != nil {
				t.Fatal(err)
			}
		}
	}
}
