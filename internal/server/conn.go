package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/pandodb/pando/internal/invariant"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/wire"
)

// conn is one connection. All of it belongs to the goroutine that runs serve,
// but for hurry and cut, which others may call, and for what watch.go says.
type conn struct {
	server *Server
	net    *socket
	peer   Peer
	log    *slog.Logger
	reader *wire.Reader
	writer *wire.Writer
	client Client
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  watch
	alone  alone
}

// alone counts the requests of a connection since another one had any.
type alone struct {
	last int64 // the number of the newest among all of the server's.
	runs int
}

// aloneAfter is how many requests make a connection the only one that talks.
const aloneAfter = 8

// request counts one; total is the server's.
func (a *alone) request(total int64) {
	if total != a.last+1 {
		a.runs = 0
	}
	a.last = total
	a.runs++
}

func (a *alone) yes() bool { return a.runs >= aloneAfter }

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, net: newSocket(nc.(*net.TCPConn))}
	c.peer = Peer{ID: s.lastID.Add(1), Remote: nc.RemoteAddr().String(), Local: nc.LocalAddr().String()}
	c.log = s.log.With(slog.Int64("conn", c.peer.ID))
	counted := &counting{c.net, &s.traffic}
	c.reader = wire.NewReader(counted)
	c.writer = wire.NewWriter(counted)
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	c.watch.init(c)
	return c
}

// long ago: a read deadline that makes reads return at once.
var past = time.Unix(1, 0)

// hurry ends the connection if it is idle; a running command ends first.
func (c *conn) hurry() { c.net.SetReadDeadline(past) }

// cut ends the connection, whatever it does.
func (c *conn) cut() { c.net.Close() }

// serve carries messages until either side has had enough.
func (c *conn) serve() {
	c.log.Debug("connection accepted", slog.String("remote", c.peer.Remote))
	defer c.net.Close()
	defer c.cancel(nil)
	c.client = c.server.opt.Handler.Connect(c.peer)
	defer c.client.Disconnect()
	for !c.server.draining.Load() {
		m, err := c.reader.Read()
		if m == nil {
			c.over(err)
			return
		}
		c.server.traffic.requests.Inc()
		c.alone.request(c.server.traffic.requests.Get())
		c.server.active.Add(1)
		var goOn bool
		if err != nil {
			goOn = c.refuse(m, mongoerr.From(err))
		} else {
			goOn = c.answer(m)
		}
		c.server.active.Add(-1)
		m.Release()
		if !goOn {
			c.over(nil)
			return
		}
	}
	c.over(errShutdown)
}

// over notes why the connection ended. What a client did wrong is worth a
// warning, a hang-up is not.
func (c *conn) over(err error) {
	level := slog.LevelDebug
	if e, ok := errors.AsType[*mongoerr.Error](err); ok && e != errShutdown {
		level = slog.LevelWarn
	}
	if err == io.EOF || c.server.draining.Load() {
		err = nil
	}
	c.log.LogAttrs(context.Background(), level, "connection ended", slog.String("remote", c.peer.Remote), slog.Any("error", err))
}

// refuse answers a message whose contents cannot be understood.
func (c *conn) refuse(m *wire.Message, e *mongoerr.Error) (goOn bool) {
	if !m.WantsReply() {
		return true
	}
	_, err := c.writer.Send(m, appendError(c.writer.Begin(m), e), false)
	return err == nil
}

// answer runs a message and sends what comes of it, as often as its handler and
// its client want.
func (c *conn) answer(m *wire.Message) (goOn bool) {
	ctx, end := c.ctx, context.CancelCauseFunc(nil)
	stream := m.Op == wire.OpMsg && m.Flags&wire.ExhaustAllowed != 0
	if stream {
		ctx, end = context.WithCancelCause(ctx)
		defer end(nil)
	}
	for first := true; ; first = false {
		if first {
			c.watch.start(nil) // whatever comes behind, a request gets its first reply.
		} else {
			c.watch.start(end)
		}
		buf := c.writer.Begin(m)
		r := c.handle(ctx, m, buf)
		c.watch.stop()
		interrupted := stream && (c.reader.Buffered() > 0 || c.server.draining.Load())
		switch {
		case r.Doc == nil, !m.WantsReply():
			c.writer.Drop(buf)
			return !r.Close
		case interrupted && !first:
			// The client asked something else, and does not wait for the rest.
			c.writer.Drop(buf)
			return true
		}
		more := r.More && stream && !interrupted
		id, err := c.writer.Send(m, r.Doc, more)
		if err != nil || r.Close {
			return false
		}
		if !more {
			if r.Waited && c.alone.yes() {
				c.net.linger()
			}
			return true
		}
		m.RequestID = id // the next reply answers this one.
	}
}

// handle runs the handler and survives its panics.
func (c *conn) handle(ctx context.Context, m *wire.Message, buf []byte) (r Reply) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic while serving a request", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			e := mongoerr.New(mongoerr.InternalError, "internal error")
			r = Reply{Doc: appendError(buf, e)}
		}
	}()
	r = c.client.Handle(ctx, m, buf)
	invariant.Check(r.Doc == nil || len(r.Doc) >= len(buf)+5, "a reply without a document")
	return r
}

// counting is a connection whose bytes are counted.
type counting struct {
	net net.Conn
	t   *traffic
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.net.Read(b)
	c.t.in.Add(int64(n))
	return n, err
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.net.Write(b)
	c.t.out.Add(int64(n))
	return n, err
}
