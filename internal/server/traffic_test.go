package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/wire"
)

// echo replies with what it was sent, and says that it waited for the disk.
func echo(_ context.Context, m *wire.Message, dst []byte) Reply {
	return Reply{Doc: append(dst, m.Body...), Waited: true}
}

// heavy is a document of about n bytes, each of which tells where it is.
func heavy(name string, n int) bsonx.Doc {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a' + byte(i/7%26)
	}
	return doc(name, string(text))
}

// TestLargeBothWays: clients send requests of many socket buffers ahead of the
// replies, and read those in small pieces, some from small buffers, while others ask
// small things. Everybody gets every byte.
func TestLargeBothWays(t *testing.T) {
	s := serve(t, Options{Handler: handler{"echo": echo, "ping": echo}})
	done := make(chan struct{})
	var large, small sync.WaitGroup
	for i := range 4 {
		c := dial(t, s)
		if i%2 == 0 {
			if err := c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
				t.Fatal(err)
			}
		}
		sent := heavy("echo", (1+i)<<20)
		const requests = 4
		large.Go(func() {
			for id := range int32(requests) {
				if _, err := c.Write(wire.AppendMsg(nil, id, 0, sent)); err != nil {
					t.Error(err)
				}
			}
		})
		large.Go(func() {
			r := wire.NewReader(&pieces{c, 1 << (10 + i)})
			for id := range int32(requests) {
				m, err := r.Read()
				if err != nil || m.ResponseTo != id || !bytes.Equal(m.Body, sent) {
					t.Errorf("client %d, reply %d: %v", i, id, err)
					return
				}
				m.Release()
			}
		})
	}
	for range 4 {
		c := dial(t, s)
		small.Go(func() {
			for id := int32(0); ; id++ {
				select {
				case <-done:
					return
				default:
				}
				c.Write(wire.AppendMsg(nil, id, 0, doc("ping", fmt.Sprint(id))))
				m, err := c.r.Read()
				if err != nil || m.ResponseTo != id {
					t.Errorf("small reply %v, %v", m, err)
					return
				}
				m.Release()
			}
		})
	}
	large.Wait()
	close(done)
	small.Wait()
}

// pieces reads so many bytes at most.
type pieces struct {
	io.Reader
	n int
}

func (p *pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.n)]) }

// TestComeAndGo has clients that leave at any point of a conversation: in the middle
// of a request, before the reply, while it is being sent, with and without a reset.
// No connection is left behind.
func TestComeAndGo(t *testing.T) {
	s := serve(t, Options{Handler: handler{"echo": echo}})
	request := wire.AppendMsg(nil, 1, 0, heavy("echo", 1<<20))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				nc, err := net.Dial("tcp", s.Addrs()[0].String())
				if err != nil {
					t.Error(err)
					return
				}
				cut := len(request) * ((n*7 + i) % 21) / 20
				nc.Write(request[:cut]) // it may fail: the server has its own view of when to end.
				if cut == len(request) {
					io.CopyN(io.Discard, nc, int64(cut/(1+i)))
				}
				if n%2 == 0 {
					nc.(*net.TCPConn).SetLinger(0)
				}
				nc.Close()
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	asks := dial(t, s)
	for s.Stats().Current > 1 { // the last ones are on their way out.
		if ctx.Err() != nil {
			t.Fatalf("%d connections are left", s.Stats().Current-1)
		}
		asks.send(1, 0, "ping")
		asks.expect(1, "reply to ping")
	}
}

// TestShutdownWhileWriting: a reply on its way to a client that reads slowly gets
// there whole within the grace; another client that reads nothing does not hold up
// the end for longer.
func TestShutdownWhileWriting(t *testing.T) {
	t.Parallel() // it waits for the grace.
	s, err := Listen(t.Context(), Options{Handler: handler{"echo": echo}, Grace: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	slow, deaf := dial(t, s), dial(t, s)
	sent := heavy("echo", 15<<20)
	for _, c := range []*client{slow, deaf} {
		if _, err := c.Write(wire.AppendMsg(nil, 1, 0, sent)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil { // the reply is on its way.
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	rest, err := io.ReadAll(&pieces{slow, 64 << 10})
	if err != nil || !bytes.HasSuffix(rest, sent) {
		t.Errorf("%d bytes of a reply of %d: %v", len(rest), len(sent), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := s.Stats().Current; n > 0 {
		t.Errorf("%d connections are left", n)
	}
}
