package pando_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pandodb/pando"
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/wire"
)

// TestGreetings says to our server, byte for byte, what real drivers say first, and
// holds its answers against those of the reference server: the same outcome, and
// in an answer to a greeting every field that the reference's has. Each has a server
// of its own: a recording may end in the middle of a transaction, and what another
// one drops would wait for that.
func TestGreetings(t *testing.T) {
	for name, path := range recordings(t, "greetings") {
		t.Run(name, func(t *testing.T) { replay(t, openServer(t), path) })
	}
}

// openServer starts a server on an empty folder until the test ends.
func openServer(t *testing.T) (addr string) {
	t.Helper()
	srv, err := pando.Open(t.Context(), pando.Options{DBPath: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(srv.URI())
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// recordings is the files of a folder by the name of what they hold.
func recordings(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("internal/server/testdata/" + folder + "/*.rec")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	named := map[string]string{}
	for _, path := range files {
		named[strings.TrimSuffix(filepath.Base(path), ".rec")] = path
	}
	return named
}

func replay(t *testing.T, addr, path string) {
	conn := dial(t, addr)
	asked := false
	for _, m := range readRecording(t, path) {
		switch {
		case m.request:
			if _, err := conn.Write(m.frame); err != nil {
				t.Fatal(err)
			}
			asked = true
		case asked: // a stream's later answers come when the reference's topology changed.
			asked = false
			want := answer(t, bytes.NewReader(m.frame))
			if !bsonx.IsMissing(bsonx.Get(want, "errorLabels")) {
				return // a conflict with another connection, which this replay does not have.
			}
			compareReplies(t, answer(t, conn), want)
		}
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// message is a record of a recording; the README.md beside the greetings tells its form.
type message struct {
	request bool
	frame   []byte
}

func readRecording(t *testing.T, path string) []message {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var messages []message
	for len(text) > 0 {
		n := int(binary.LittleEndian.Uint32(text[1:]))
		messages = append(messages, message{request: text[0] == '>', frame: text[1 : 1+n]})
		text = text[1+n:]
	}
	return messages
}

// answer reads a reply: an OP_REPLY, which no reader of ours expects, or a message.
func answer(t *testing.T, r io.Reader) bsonx.Doc {
	t.Helper()
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, binary.LittleEndian.Uint32(head))
	copy(frame, head)
	if _, err := io.ReadFull(r, frame[16:]); err != nil {
		t.Fatal(err)
	}
	const opReply, replyHeader = 1, 16 + 20
	if binary.LittleEndian.Uint32(head[12:]) == opReply {
		return frame[replyHeader:]
	}
	m, err := wire.NewReader(bytes.NewReader(frame)).Read()
	if err != nil {
		t.Fatal(err)
	}
	return m.Body
}

func compareReplies(t *testing.T, got, want bsonx.Doc) {
	t.Helper()
	if !bsonx.Equal(bsonx.Get(got, "ok"), bsonx.Get(want, "ok")) {
		t.Errorf("answered %s\n   instead of %s", bsonx.ToJSON(got), bsonx.ToJSON(want))
		return
	}
	if bsonx.IsMissing(bsonx.Get(want, "maxWireVersion")) {
		return
	}
	for it := bsonx.Walk(want); it.Next(); {
		v := bsonx.Get(got, it.Key())
		if v.Type != it.Value().Type {
			t.Errorf("the greeting's %s is %s, not %s", it.Key(), bsonx.TypeName(v.Type), bsonx.TypeName(it.Value().Type))
		}
	}
}
