package history

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/wire"
)

// TestProxyLoses sends commands through a proxy that loses the third reply to each
// kind: the server has got the command, and the connection ends.
func TestProxyLoses(t *testing.T) {
	got := make(chan string, 100)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				for {
					m, err := readMessage(conn)
					if err != nil {
						return
					}
					got <- commandName(m)
					reply := wire.AppendMsg(nil, 1, 0, bsonx.NewBuilder(nil).Doc())
					copy(reply[8:], m[4:8]) // in answer to.
					if _, err := conn.Write(reply); err != nil {
						return
					}
				}
			})
		}
	})
	p, err := NewProxy(server.Addr().String(), func(_ string, n int) bool { return n == 3 })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	var conn net.Conn
	ask := func(name string, flags wire.Flags) error {
		if conn == nil {
			if conn, err = net.Dial("tcp", p.Addr()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
		}
		b := bsonx.NewBuilder(nil)
		b.Int32(name, 1)
		if _, err := conn.Write(wire.AppendMsg(nil, 7, flags, b.Doc())); err != nil {
			return err
		}
		if <-got != name {
			t.Fatal("the server got another command")
		}
		if _, err := readMessage(conn); err != nil {
			conn = nil
			return err
		}
		return nil
	}
	for n := 1; n <= 4; n++ {
		for i, name := range []string{"find", "commitTransaction"} {
			err := ask(name, wire.Flags(i)*wire.ChecksumPresent)
			if lost := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && !lost || (err != nil) != (n == 3) {
				t.Errorf("reply %d to %s: %v", n, name, err)
			}
		}
	}
	if lost := p.Lost(); lost["find"] != 1 || lost["commitTransaction"] != 1 || len(lost) != 2 {
		t.Errorf("lost: %v", lost)
	}
}
