package pando_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// TestConversations says to an empty server, byte for byte, what drivers say in a
// transaction's life, and holds its answers against those of the reference server,
// field by field.
func TestConversations(t *testing.T) {
	addr := openServer(t)
	for name, path := range recordings(t, "conversations") {
		t.Run(name, func(t *testing.T) { converse(t, addr, path) })
	}
}

// converse replays a connection. The numbers of cursors are the server's to choose, so
// that the requests ask for ours where they asked for the reference's.
func converse(t *testing.T, addr, path string) {
	conn := dial(t, addr)
	var theirs, ours [][]byte
	for _, m := range readRecording(t, path) {
		if m.request {
			frame := m.frame
			for i := range theirs {
				frame = bytes.ReplaceAll(frame, theirs[i], ours[i])
			}
			if _, err := conn.Write(frame); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want := answer(t, bytes.NewReader(m.frame))
		got := answer(t, conn)
		compareReplies(t, got, want)
		if bsonx.IsMissing(bsonx.Get(want, "maxWireVersion")) {
			compareFields(t, got, want)
		}
		if id := bsonx.Lookup(want, "cursor.id"); !bsonx.IsMissing(id) && binary.LittleEndian.Uint64(id.Data) != 0 {
			theirs = append(theirs, id.Data)
			ours = append(ours, bsonx.Lookup(got, "cursor.id").Data)
		}
	}
}

// compareFields: the same fields, with the same values but where a value is of one
// server, one time or one run.
func compareFields(t *testing.T, got, want bsonx.Doc) {
	t.Helper()
	differ := func(why string) {
		t.Errorf("%s\nanswered   %s\ninstead of %s", why, bsonx.ToJSON(got), bsonx.ToJSON(want))
	}
	fields := 0
	for it := bsonx.Walk(want); it.Next(); {
		fields++
		key, value := it.Key(), bsonx.Get(got, it.Key())
		switch {
		case value.Type != it.Value().Type:
			differ(key + " is of another type or not there")
		case key == "cursor":
			compareFields(t, bsonx.AsDoc(value), bsonx.AsDoc(it.Value()))
		case ofOneServer[key]:
		case !bsonx.Equal(value, it.Value()):
			differ(key + " is not the same")
		}
	}
	for it := bsonx.Walk(got); it.Next(); {
		fields--
	}
	if fields != 0 {
		differ("there are more fields")
	}
}

var ofOneServer = map[string]bool{"$clusterTime": true, "operationTime": true, "electionId": true, "opTime": true, "id": true}
