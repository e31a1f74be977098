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
)

const (
	greetingConns    = 6       // recorded of each driver.
	greetingMessages = 10      // of each connection, both ways together.
	greetingBytes    = 1 << 16 // a longer message is no greeting.
)

// TestRecordGreetings writes what the drivers of here say first, and what the
// reference server answers, to the folder named by PANDO_RECORD_GREETINGS: one file
// a connection, in the format that its README.md describes. It is a tool, not a test.
func TestRecordGreetings(t *testing.T) {
	dir := os.Getenv("PANDO_RECORD_GREETINGS")
	given := os.Getenv("PANDO_ACCEPTANCE_URI")
	if dir == "" || given == "" {
		t.Skip("records only when PANDO_RECORD_GREETINGS and PANDO_ACCEPTANCE_URI are set")
	}
	u, err := url.Parse(given)
	if err != nil {
		t.Fatal(err)
	}
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
		"mongosh-2.12.0":         func(uri string) *exec.Cmd { return shellProgram(t, "employees", uri) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, u.Host)
			run(t, program("mongodb://"+p.addr+"/"))
			p.save(t, dir, name)
		})
	}
}

// proxy stands between a driver and a server and remembers how each connection began.
type proxy struct {
	addr, server string
	listener     net.Listener

	mu    sync.Mutex // guards conns and the buffers in them.
	conns []*recording
}

type recording struct {
	buf      bytes.Buffer
	messages int
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
		if rec.messages++; rec.messages <= greetingMessages && len(msg) <= greetingBytes {
			rec.buf.WriteByte(direction)
			rec.buf.Write(msg) // its length is its first field.
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

func (p *proxy) save(t *testing.T, dir, name string) {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, rec := range p.conns[:min(len(p.conns), greetingConns)] {
		path := filepath.Join(dir, fmt.Sprintf("%s.%d.rec", name, i+1))
		if err := os.WriteFile(path, rec.buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
