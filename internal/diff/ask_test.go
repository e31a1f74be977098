package diff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando"
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/testenv"
)

// question is what both servers are asked: commands, of which the replies to the
// last ones are compared.
type question struct {
	setup []bson.D
	ask   []bson.D
}

// peer is a connection to one of the two servers.
type peer struct {
	net net.Conn
	buf []byte
}

func dial(t *testing.T, uri string) *peer {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &peer{net: c}
}

// call sends a command in an OP_MSG and returns the reply.
func (p *peer) call(body []byte) (bson.Raw, error) {
	msg := binary.LittleEndian.AppendUint32(p.buf[:0], uint32(21+len(body)))
	msg = append(msg, 1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0)
	msg = append(msg, body...)
	p.buf = msg
	if _, err := p.net.Write(msg); err != nil {
		return nil, err
	}
	var head [21]byte
	if _, err := io.ReadFull(p.net, head[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.LittleEndian.Uint32(head[:])-21)
	_, err := io.ReadFull(p.net, reply)
	return reply, err
}

// run asks one server and returns what it answered.
func (p *peer) run(setup, ask [][]byte) (string, error) {
	for _, c := range setup {
		reply, err := p.call(c)
		if err != nil {
			return "", err
		}
		if ok, _ := reply.Lookup("ok").AsInt64OK(); ok != 1 {
			return "setup: " + answer(reply), nil
		}
	}
	var told strings.Builder
	for _, c := range ask {
		reply, err := p.call(c)
		if err != nil {
			return "", err
		}
		told.WriteString(answer(reply))
	}
	return told.String(), nil
}

// hidden are the fields of replies that say nothing of the answer.
var hidden = map[string]bool{"ok": true, "$clusterTime": true, "operationTime": true, "electionId": true, "opTime": true, "codeName": true, "ns": true, "id": true}

// complaint is what is said of strings that are no dates: the reference server tells
// all that is wrong with them, Pando the first that is.
var complaint = regexp.MustCompile(`(?s)(Error parsing date string|an incomplete date/time string).*" code=`)

// inputDocument is what a message shows of a document: which of its fields were read
// depends on the plan.
var inputDocument = regexp.MustCompile(`(?s) Input document: .*" code=`)

// madeUp is an ObjectId that a server made up: those of questions are of other times.
var madeUp = regexp.MustCompile(`\{"\$oid":"6[1-9a-f][0-9a-f]{22}"\}`)

// executor is the context of errors that come while running: one that comes while
// plans are tried has none.
var executor = regexp.MustCompile(`Executor error during aggregate command on namespace: \S+ :: caused by :: `)

// answer is a reply as text that differs wherever the bytes do.
func answer(reply bson.Raw) string {
	var b strings.Builder
	write(&b, reply)
	text := complaint.ReplaceAllString(b.String(), `no date" code=`)
	text = inputDocument.ReplaceAllString(text, `." code=`)
	return madeUp.ReplaceAllString(text, `an ObjectId`)
}

func write(b *strings.Builder, doc bson.Raw) {
	for name, v := range bsonx.All(bsonx.Doc(doc)) {
		switch {
		case hidden[name]:
		case name == "cursor":
			write(b, bson.Raw(v.Data))
		case v.Type == bsonx.TypeArray:
			for _, e := range bsonx.All(bsonx.AsDoc(v)) {
				fmt.Fprintf(b, "%s\n", text(e))
			}
		default:
			fmt.Fprintf(b, "%s=%s ", name, text(v))
		}
	}
}

// pair is both servers.
type pair struct {
	t             *testing.T
	theirs, ours  *peer
	asked, refuse int
	sorted        bool // the documents of an answer have no order.
}

// connect starts ours and connects to both.
func connect(t *testing.T) *pair {
	theirs := dial(t, testenv.Reference(t))
	srv, err := pando.Open(t.Context(), pando.Options{DBPath: t.TempDir(), Parameters: map[string]string{"enableTestCommands": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return &pair{t: t, theirs: theirs, ours: dial(t, srv.URI())}
}

// differ asks both. It tells whether the answers differ.
func (p *pair) differ(q question) (theirs, ours string, differ bool) {
	setup, err := marshal(q.setup)
	if err != nil {
		return "", "", false // a name with a NUL: no such BSON.
	}
	ask, err := marshal(q.ask)
	if err != nil {
		return "", "", false
	}
	p.asked++
	done := make(chan error, 1)
	go func() {
		var err error
		theirs, err = p.theirs.run(setup, ask)
		done <- err
	}()
	ours, err = p.ours.run(setup, ask)
	if err2 := <-done; err2 != nil {
		p.t.Fatalf("the reference server: %v: %s", err2, show(q))
	}
	if err != nil {
		p.t.Fatalf("%v: %s", err, show(q))
	}
	if strings.Contains(ours, "code=238 ") {
		p.refuse++
		return theirs, ours, false
	}
	if p.sorted {
		theirs, ours = inOrder(executor.ReplaceAllString(theirs, "")), inOrder(executor.ReplaceAllString(ours, ""))
	}
	return theirs, ours, theirs != ours
}

// inOrder sorts an answer's lines.
func inOrder(answer string) string {
	lines := strings.Split(answer, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func marshal(cmds []bson.D) ([][]byte, error) {
	var out [][]byte
	for _, c := range cmds {
		b, err := bson.Marshal(append(c[:len(c):len(c)], bson.E{Key: "$db", Value: "diff"}))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// show writes a question's commands as JSON.
func show(q question) string {
	var b bytes.Buffer
	for _, c := range append(q.setup[:len(q.setup):len(q.setup)], q.ask...) {
		raw, err := bson.Marshal(c)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", c)
			continue
		}
		fmt.Fprintf(&b, "  %s\n", text(bsonx.DocValue(raw)))
	}
	return b.String()
}
