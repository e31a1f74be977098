package acceptance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const (
	greetingConns        = 6       // recorded of each driver.
	greetingMessages     = 10      // of each connection, both ways together.
	conversationMessages = 200     // of a connection that is recorded whole.
	messageBytes         = 1 << 16 // a longer message is not recorded.
)

// recordTo returns the folder to record to, named by PANDO_RECORD, and the reference
// server to record. The folder has two in it: greetings/, with the beginning of each
// connection, and conversations/, with the whole of the one that commits. Their
// README.md describe the format. Recording is a tool, not a test.
func recordTo(t *testing.T) (dir, host string) {
	dir, given := os.Getenv("PANDO_RECORD"), os.Getenv("PANDO_ACCEPTANCE_URI")
	if dir == "" || given == "" {
		t.Skip("records only when PANDO_RECORD and PANDO_ACCEPTANCE_URI are set")
	}
	u, err := url.Parse(given)
	if err != nil {
		t.Fatal(err)
	}
	return dir, u.Host
}

// TestRecordDrivers records what the drivers of here say, and what the reference
// server answers.
func TestRecordDrivers(t *testing.T) {
	dir, host := recordTo(t)
	for name, program := range map[string]func(uri string) *exec.Cmd{
		"go-2.9.3":               func(uri string) *exec.Cmd { return goProgram(t, "manual", uri) },
		"go-2.9.3-compressed":    func(uri string) *exec.Cmd { return goProgram(t, "manual", uri+"?compressors=zstd,snappy,zlib") },
		"node-7.8.0":             func(uri string) *exec.Cmd { return nodeProgram(t, "manual", uri) },
		"pymongo-4.20.0":         func(uri string) *exec.Cmd { return pythonProgram(t, "guide", uri) },
		"pymongo-4.20.0-async":   func(uri string) *exec.Cmd { return pythonProgram(t, "async_employees", uri) },
		"pymongo-4.20.0-replset": func(uri string) *exec.Cmd { return pythonProgram(t, "guide", uri+replicaSet) },
		"rust-3.9.1":             func(uri string) *exec.Cmd { return rustProgram(t, "manual", uri) },
		"c-1.23.1":               func(uri string) *exec.Cmd { return cProgram(t, "manual", uri) },
		"c-1.23.1-compressed":    func(uri string) *exec.Cmd { return cProgram(t, "manual", uri+"?compressors=zstd,snappy,zlib") },
		"php-1.15.0":             func(uri string) *exec.Cmd { return phpProgram(t, "manual", uri+replicaSet) },
		"perl-2.2.2":             func(uri string) *exec.Cmd { return perlProgram(t, "manual", uri) },
		"mongocxx-3.7.0":         func(uri string) *exec.Cmd { return cProgram(t, "mongocxx", uri) },
		"ruby-2.5.1":             func(uri string) *exec.Cmd { return rubyProgram(t, "crud", uri) },
		"motor-3.7.1":            func(uri string) *exec.Cmd { return motorProgram(t, "manual", uri) },
		"java-5.8.0":             func(uri string) *exec.Cmd { return java.program(t, "manual", uri) },
		"scala-5.5.1":            func(uri string) *exec.Cmd { return scala.program(t, "manual", uri) },
		"kotlin-5.5.1":           func(uri string) *exec.Cmd { return kotlin.program(t, "manual", uri) },
		"mongosh-2.12.0":         func(uri string) *exec.Cmd { return shellProgram(t, "employees", uri) },
	} {
		t.Run(name, func(t *testing.T) {
			forget(t, host)
			p := newProxy(t, host)
			run(t, program("mongodb://"+p.addr+"/"))
			p.save(t, dir, name)
		})
	}
}

// forget drops what programs have left on the reference server, since replies tell of
// it, and a replay is on an empty server.
func forget(t *testing.T, host string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + host + "/?directConnection=true"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(t.Context())
	names, err := client.ListDatabaseNames(t.Context(), bson.D{{Key: "name", Value: bson.Regex{Pattern: "^(mydb[12]|crud|shape)_"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := client.Database(name).Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// proxy stands between a driver and a server and remembers how each connection began.
type proxy struct {
	addr, server string
	listener     net.Listener

	mu    sync.Mutex // guards conns and the buffers in them.
	conns []*recording
}

// recording is the messages of a connection, each with its direction.
type recording struct {
	messages [][]byte
}

// first is the recording's first messages as they stand in a file.
func (r *recording) first(n int) []byte {
	return bytes.Join(r.messages[:min(n, len(r.messages))], nil)
}

func newProxy(t *testing.T, server string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), server: server, listener: l}
	if len(p.addr) != len(server) {
		t.Fatalf("%s and %s are not of one length: the address in replies cannot be replaced", p.addr, server)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	rec := &recording{}
	p.mu.Lock()
	p.conns = append(p.conns, rec)
	p.mu.Unlock()
	go func() {
		defer server.Close()
		p.pump(rec, '>', server, client)
	}()
	p.pump(rec, '<', client, server)
}

// pump carries messages one way, records the first, and puts the proxy's address in
// the place of the server's, so that drivers come back here.
func (p *proxy) pump(rec *recording, direction byte, to io.Writer, from io.Reader) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		msg := make([]byte, binary.LittleEndian.Uint32(head[:]))
		copy(msg, head[:])
		if _, err := io.ReadFull(from, msg[4:]); err != nil {
			return
		}
		p.mu.Lock()
		if len(rec.messages) < conversationMessages && len(msg) <= messageBytes {
			rec.messages = append(rec.messages, append([]byte{direction}, msg...))
		}
		p.mu.Unlock()
		if direction == '<' {
			msg = bytes.ReplaceAll(msg, []byte(p.server), []byte(p.addr))
		}
		if _, err := to.Write(msg); err != nil {
			return
		}
	}
}

// save writes the beginning of each connection, and the whole of the first that commits.
func (p *proxy) save(t *testing.T, dir, name string) {
	t.Helper()
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	write := func(file string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, rec := range p.conns[:min(len(p.conns), greetingConns)] {
		write(fmt.Sprintf("greetings/%s.%d.rec", name, i+1), rec.first(greetingMessages))
	}
	for _, rec := range p.conns {
		if whole := rec.first(conversationMessages); bytes.Contains(whole, []byte("commitTransaction")) {
			write("conversations/"+name+".rec", whole)
			break
		}
	}
}
