package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler runs commands by name.
type handler map[string]func(ctx context.Context, m *wire.Message, dst []byte) Reply

func (h handler) Connect(Peer) Client { return h }

func (h handler) Disconnect() {}

func (h handler) Handle(ctx context.Context, m *wire.Message, dst []byte) Reply {
	name, _ := bsonx.First(m.Body)
	if run, ok := h[name]; ok {
		return run(ctx, m, dst)
	}
	return Reply{Doc: append(dst, doc("reply to", name)...)}
}

func doc(key, value string) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.String(key, value)
	return b.Doc()
}

// serve starts a server that the test's end shuts down.
func serve(t *testing.T, opt Options) *Server {
	t.Helper()
	s := listen(t, opt)
	s.Serve()
	return s
}

// listen is serve before Serve.
func listen(t *testing.T, opt Options) *Server {
	t.Helper()
	s, err := Listen(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}

// client is a raw connection.
type client struct {
	t *testing.T
	net.Conn
	r *wire.Reader
}

func dial(t *testing.T, s *Server) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Unix(1<<40, 0))
	return &client{t, nc, wire.NewReader(nc)}
}

func (c *client) send(id int32, flags wire.Flags, command string) {
	c.t.Helper()
	if _, err := c.Write(wire.AppendMsg(nil, id, flags, doc(command, ""))); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads a reply; want is its first field and value.
func (c *client) expect(to int32, want string) *wire.Message {
	c.t.Helper()
	m, err := c.r.Read()
	if err != nil {
		c.t.Fatalf("no reply: %v", err)
	}
	key, v := bsonx.First(m.Body)
	got := key
	if v.Type == bsonx.TypeString {
		got += " " + bsonx.Str(v)
	}
	if got != want || m.ResponseTo != to {
		c.t.Fatalf("reply %q to %d, want %q to %d", got, m.ResponseTo, want, to)
	}
	return m
}

func (c *client) expectEnd() {
	c.t.Helper()
	if m, err := c.r.Read(); m != nil || err == nil {
		c.t.Fatalf("got a message, want the end")
	}
}

// TestAskedBeforeServe: who comes while the server is being put together is
// answered when it is.
func TestAskedBeforeServe(t *testing.T) {
	served := false
	s := listen(t, Options{Handler: handler{
		"ping": func(_ context.Context, _ *wire.Message, dst []byte) Reply {
			if !served {
				t.Error("served too early")
			}
			return Reply{Doc: append(dst, doc("pong", "")...)}
		},
	}})
	c := dial(t, s)
	c.send(1, 0, "ping")
	served = true
	s.Serve()
	c.expect(1, "pong ")
}

func TestRequests(t *testing.T) {
	h := handler{
		"panic": func(context.Context, *wire.Message, []byte) Reply { panic("on purpose") },
		"none":  func(_ context.Context, _ *wire.Message, dst []byte) Reply { return Reply{Doc: dst} },
		"close": func(context.Context, *wire.Message, []byte) Reply { return Reply{Close: true} },
		"bye": func(_ context.Context, _ *wire.Message, dst []byte) Reply {
			return Reply{Doc: append(dst, doc("bye", "")...), Close: true}
		},
	}
	var log bytes.Buffer
	s := serve(t, Options{Handler: h, Log: slog.New(slog.NewTextHandler(&log, nil))})

	c := dial(t, s)
	c.send(1, 0, "ping")
	c.expect(1, "reply to ping")
	c.send(2, wire.MoreToCome, "ping")
	c.send(3, wire.MoreToCome|wire.ChecksumPresent, "ping")
	c.send(4, wire.ChecksumPresent, "pong")
	if m := c.expect(4, "reply to pong"); m.Flags&wire.ChecksumPresent == 0 {
		t.Error("a reply without the checksum that its request had")
	}
	for id, command := range []string{5: "panic", 6: "none"} {
		if command == "" {
			continue
		}
		c.send(int32(id), 0, command)
		m := c.expect(int32(id), "ok")
		if e := bsonx.AsInt32(bsonx.Get(m.Body, "code")); e != int32(mongoerr.InternalError) {
			t.Errorf("%s: code %d", command, e)
		}
	}
	c.send(7, 0, "ping")
	c.expect(7, "reply to ping")
	c.send(8, 0, "close")
	c.expectEnd()

	c = dial(t, s)
	c.send(1, 0, "bye")
	c.expect(1, "bye ")
	c.expectEnd()
	if !strings.Contains(log.String(), "on purpose") || !strings.Contains(log.String(), "server_test.go") {
		t.Errorf("the panic is not in the log: %s", &log)
	}
}

func TestBadMessages(t *testing.T) {
	s := serve(t, Options{Handler: handler{}})
	c := dial(t, s)
	twice := wire.AppendMsg(nil, 1, 0, doc("ping", ""))
	twice = append(twice, 0)
	twice = append(twice, doc("ping", "")...)
	twice[0] = byte(len(twice))
	c.Write(twice)
	m := c.expect(1, "ok")
	if got := bsonx.Str(bsonx.Get(m.Body, "errmsg")); got != "Multiple body sections in message" {
		t.Error(got)
	}
	c.send(2, 0, "ping")
	c.expect(2, "reply to ping")
	c.send(3, 1<<3, "ping")
	c.expectEnd()
}

// TestHangUp is about a client that goes away while its command runs.
func TestHangUp(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error)
	s := serve(t, Options{Handler: handler{
		"wait": func(ctx context.Context, _ *wire.Message, dst []byte) Reply {
			started <- struct{}{}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return Reply{Doc: append(dst, doc("late", "")...)}
		},
	}})
	for _, behind := range []string{"", "ping"} { // a request that waits behind hides nothing.
		c := dial(t, s)
		c.send(1, 0, "wait")
		<-started
		if behind != "" {
			c.send(2, 0, behind)
		}
		c.Close()
		if e := mongoerr.From(<-ended); e.Code != mongoerr.ClientDisconnect {
			t.Errorf("cancelled because of %v", e)
		}
	}
}

// TestSlowCommand is about what is watched and then goes on.
func TestSlowCommand(t *testing.T) {
	s := serve(t, Options{Handler: handler{
		"slow": func(ctx context.Context, _ *wire.Message, dst []byte) Reply {
			wait, cancel := context.WithTimeout(ctx, 3*watchAfter)
			defer cancel()
			<-wait.Done()
			if ctx.Err() != nil {
				return Reply{}
			}
			return Reply{Doc: append(dst, doc("slow", "")...)}
		},
	}})
	c := dial(t, s)
	for id := int32(0); id < 6; id += 2 {
		c.send(id, 0, "slow")
		c.send(id+1, 0, "ping")
		c.expect(id, "slow ")
		c.expect(id+1, "reply to ping")
	}
}

// TestStream is about hello's way of telling news.
func TestStream(t *testing.T) {
	news := make(chan string)
	s := serve(t, Options{Handler: handler{
		"hello": func(ctx context.Context, _ *wire.Message, dst []byte) Reply {
			select {
			case n := <-news:
				return Reply{Doc: append(dst, doc("news", n)...), More: n != "last"}
			case <-ctx.Done():
				return Reply{Doc: append(dst, doc("news", "none")...), More: true}
			}
		},
	}})
	c := dial(t, s)

	c.send(7, wire.ExhaustAllowed, "hello")
	to := int32(7)
	for i, n := range []string{"a", "b", "last"} {
		news <- n
		m := c.expect(to, "news "+n)
		if more := m.Flags&wire.MoreToCome != 0; more != (i < 2) {
			t.Errorf("%s: more %v", n, more)
		}
		to = m.RequestID
	}

	// Another command ends the stream, and nothing more comes of it.
	c.send(8, wire.ExhaustAllowed, "hello")
	news <- "a"
	c.expect(8, "news a")
	c.send(9, 0, "ping")
	c.expect(9, "reply to ping")

	// A request gets its first reply, whatever comes behind it.
	c.send(10, wire.ExhaustAllowed, "hello")
	c.send(11, 0, "ping")
	news <- "a"
	c.expect(10, "news a")
	c.expect(11, "reply to ping")

	// Without the flag there is no stream.
	c.send(12, 0, "hello")
	news <- "a"
	if m := c.expect(12, "news a"); m.Flags&wire.MoreToCome != 0 {
		t.Error("streams to a client that did not ask")
	}
}

func TestLimit(t *testing.T) {
	s := serve(t, Options{Handler: handler{}, ConnsMax: 1})
	first := dial(t, s)
	for id := range int32(2) { // when the second is answered, the first answer is counted.
		first.send(id, 0, "ping")
		first.expect(id, "reply to ping")
	}
	dial(t, s).expectEnd()
	if got := s.Stats(); got.Current != 1 || got.Available != 0 || got.TotalCreated != 1 || got.Rejected != 1 || got.Requests != 2 || got.BytesIn == 0 || got.BytesOut == 0 {
		t.Errorf("%+v", got)
	}
}

// TestConnsMax: connections leave files to the store, however few there are.
func TestConnsMax(t *testing.T) {
	for files, want := range map[uint64]int{0: 0, 100: 50, 1024: 512, 20_000: 18_800, math.MaxUint64: math.MaxInt32} {
		if got := connsMax(files); got != want {
			t.Errorf("%d files: %d connections, want %d", files, got, want)
		}
	}
	s := serve(t, Options{Handler: handler{}, ConnsMax: math.MaxInt})
	if got, want := s.Stats().Available, int64(connsMax(filesMax())); got != want {
		t.Errorf("%d connections fit, want %d", got, want)
	}
}

// TestAllAddresses: all addresses of both versions, named together or not at all.
func TestAllAddresses(t *testing.T) {
	ways, reach := [][]string{{""}, {"0.0.0.0"}}, []string{"127.0.0.1"}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil { // this machine has version 6.
		l.Close()
		ways = [][]string{{""}, {"0.0.0.0", "::"}, {"::", "0.0.0.0"}}
		reach = append(reach, "::1")
	}
	for _, bind := range ways {
		s := serve(t, Options{Handler: handler{}, BindIPs: bind})
		port := strconv.Itoa(s.Addrs()[0].(*net.TCPAddr).Port)
		for _, ip := range reach {
			c, err := net.Dial("tcp", net.JoinHostPort(ip, port))
			if err != nil {
				t.Errorf("%q: %v", bind, err)
				continue
			}
			c.Close()
		}
	}
}

func TestSharedPort(t *testing.T) {
	s := serve(t, Options{Handler: handler{}, BindIPs: []string{"127.0.0.1", "127.0.0.2"}})
	a := s.Addrs()
	if a[0].(*net.TCPAddr).Port != a[1].(*net.TCPAddr).Port {
		t.Errorf("%v", a)
	}
	if _, err := Listen(t.Context(), Options{Handler: handler{}, Port: a[0].(*net.TCPAddr).Port}); err == nil {
		t.Error("listened twice")
	}
}

// TestShutdown has one connection in each state.
func TestShutdown(t *testing.T) {
	t.Parallel() // it waits for the grace.
	started, release := make(chan struct{}), make(chan struct{})
	h := handler{
		"quick": func(_ context.Context, _ *wire.Message, dst []byte) Reply {
			started <- struct{}{}
			<-release
			return Reply{Doc: append(dst, doc("quick", "")...)}
		},
		"long": func(ctx context.Context, _ *wire.Message, dst []byte) Reply {
			started <- struct{}{}
			<-ctx.Done()
			return Reply{Doc: appendError(dst, mongoerr.From(context.Cause(ctx)))}
		},
	}
	// What is below must end within the grace on a busy machine too.
	s, err := Listen(t.Context(), Options{Handler: h, Grace: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	idle, quick, long := dial(t, s), dial(t, s), dial(t, s)
	idle.send(1, 0, "ping")
	idle.expect(1, "reply to ping")
	quick.send(1, 0, "quick")
	<-started
	long.send(1, 0, "long")
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan error)
	go func() { done <- s.Shutdown(ctx) }()
	idle.expectEnd()
	close(release)
	quick.expect(1, "quick ")
	quick.expectEnd()
	m := long.expect(1, "ok")
	if code := bsonx.AsInt32(bsonx.Get(m.Body, "code")); code != int32(mongoerr.InterruptedAtShutdown) {
		t.Errorf("told %d", code)
	}
	long.expectEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addrs()[0].String()); err == nil {
		t.Error("still listens")
	}
}

// TestShutdownOfTheDeaf is about a handler that does not mind its context and a
// client that does not read.
func TestShutdownOfTheDeaf(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	s, err := Listen(t.Context(), Options{Grace: time.Millisecond, Handler: handler{
		"deaf": func(context.Context, *wire.Message, []byte) Reply {
			started <- struct{}{}
			<-release
			return Reply{}
		},
		"flood": func(_ context.Context, _ *wire.Message, dst []byte) Reply {
			close(started)
			return Reply{Doc: append(dst, doc("flood", strings.Repeat("x", 16_000_000))...)}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	dial(t, s).send(1, 0, "deaf")
	<-started
	dial(t, s).send(1, 0, "flood")
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("told %v", err)
	}
	close(release)
	s.work.Wait()
}

func TestManyClients(t *testing.T) {
	s := serve(t, Options{Handler: handler{}})
	var all sync.WaitGroup
	for range 16 {
		c := dial(t, s)
		all.Go(func() {
			for id := range int32(200) {
				c.Write(wire.AppendMsg(nil, id, 0, doc("ping", "")))
				m, err := c.r.Read()
				if err != nil || m.ResponseTo != id {
					t.Errorf("reply %v, %v", m, err)
					return
				}
				m.Release()
			}
		})
	}
	all.Wait()
}

// BenchmarkPing is what the server adds to a command: reading, running nothing,
// writing, and the client's half of the same.
func BenchmarkPing(b *testing.B) {
	reply := doc("ok", "")
	s, err := Listen(b.Context(), Options{Handler: handler{"ping": func(_ context.Context, _ *wire.Message, dst []byte) Reply {
		return Reply{Doc: append(dst, reply...)}
	}}})
	if err != nil {
		b.Fatal(err)
	}
	s.Serve()
	defer s.Shutdown(b.Context())
	nc, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	in, out := wire.AppendMsg(nil, 1, 0, doc("ping", "")), make([]byte, 21+len(reply))
	b.ReportAllocs()
	for b.Loop() {
		nc.Write(in)
		if _, err := io.ReadFull(nc, out); err != nil {
			b.Fatal(err)
		}
	}
}
