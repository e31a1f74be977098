package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/metrics"
)

// Options are how a server is opened. Handler must be set.
type Options struct {
	Handler Handler

	// BindIPs are the addresses to listen on, "" for all there are; none is loopback.
	BindIPs []string

	// Port to listen on; 0 lets the system pick one, the same for all addresses.
	Port int

	// ConnsMax is how many connections may be open; one more is closed at once. 0, or
	// too many, is as many as the process has files for, less those that others need.
	ConnsMax int

	// Grace is how long running commands may go on once the server shuts down,
	// and once more how long they may take to notice that they are cancelled; 0
	// is a second.
	Grace time.Duration

	// Log takes what happens to connections; nil drops it.
	Log *slog.Logger
}

// Server listens, and serves from Serve until Shutdown. It is safe for concurrent use.
type Server struct {
	opt       Options
	log       *slog.Logger
	listeners []net.Listener
	ctx       context.Context // the parent of all requests'; cancelled by Shutdown.
	cancel    context.CancelCauseFunc
	work      sync.WaitGroup // accept loops and connections.
	draining  atomic.Bool    // no new requests.

	lastID  atomic.Int64
	current metrics.Gauge
	active  metrics.Gauge
	refused metrics.Counter
	traffic traffic

	mu    sync.Mutex // guards conns; a leaf.
	conns map[*conn]struct{}
}

// traffic is what went through, of all connections.
type traffic struct {
	requests, in, out metrics.Counter
}

// Stats are a server's counts.
type Stats struct {
	Current      int64 // open connections.
	Available    int64 // how many more there may be.
	TotalCreated int64
	Active       int64 // connections whose request is running.
	Rejected     int64 // connections over the limit.

	Requests int64
	BytesIn  int64
	BytesOut int64
}

// Listen opens the listeners. Clients may connect from then on, and are answered
// once Serve is called: whoever they ask may need the server first.
func Listen(ctx context.Context, opt Options) (*Server, error) {
	if len(opt.BindIPs) == 0 {
		opt.BindIPs = []string{"127.0.0.1"}
	}
	if fits := connsMax(filesMax()); opt.ConnsMax == 0 || opt.ConnsMax > fits {
		opt.ConnsMax = fits
	}
	if opt.Grace == 0 {
		opt.Grace = time.Second
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: opt, log: opt.Log, conns: map[*conn]struct{}{}}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := s.open(ctx); err != nil {
		s.cancel(nil)
		return nil, err
	}
	return s, nil
}

// Serve begins to take connections, and returns at once. It is called once, before Shutdown.
func (s *Server) Serve() {
	for _, l := range s.listeners {
		s.work.Go(func() { s.accept(l) })
	}
}

// open listens on every address, or on none.
func (s *Server) open(ctx context.Context) error {
	port := s.opt.Port
	for _, ip := range s.opt.BindIPs {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, network(ip), net.JoinHostPort(ip, strconv.Itoa(port)))
		if err != nil {
			for _, open := range s.listeners {
				err = errors.Join(err, open.Close())
			}
			return fmt.Errorf("listen on %s port %d: %w", ip, port, err)
		}
		s.listeners = append(s.listeners, l)
		port = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// network is where an address is listened on: "::" in version 6 only, so that 0.0.0.0
// can be listened on as well.
func network(ip string) string {
	switch addr := net.ParseIP(ip); {
	case addr == nil:
		return "tcp"
	case addr.To4() != nil:
		return "tcp4"
	default:
		return "tcp6"
	}
}

// Addrs are the addresses that the server listens on.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Stats returns the present counts.
func (s *Server) Stats() Stats {
	current := s.current.Get()
	return Stats{
		Current:      current,
		Available:    max(int64(s.opt.ConnsMax)-current, 0),
		TotalCreated: s.lastID.Load(),
		Active:       s.active.Get(),
		Rejected:     s.refused.Get(),
		Requests:     s.traffic.requests.Get(),
		BytesIn:      s.traffic.in.Get(),
		BytesOut:     s.traffic.out.Get(),
	}
}

// accept takes connections until the listener is closed. A passing failure, such
// as too many open files, is waited out.
func (s *Server) accept(l net.Listener) {
	const backoffMax = time.Second
	backoff := time.Duration(0)
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			backoff = 0
			s.add(nc)
		case s.draining.Load(), errors.Is(err, net.ErrClosed):
			return
		default:
			backoff = min(max(2*backoff, 5*time.Millisecond), backoffMax)
			s.log.Warn("accept failed", slog.Any("error", err), slog.Duration("waiting", backoff))
			select {
			case <-time.After(backoff):
			case <-s.ctx.Done():
				return
			}
		}
	}
}

// add begins to serve a connection.
func (s *Server) add(nc net.Conn) {
	if s.current.Add(1) > int64(s.opt.ConnsMax) {
		s.current.Add(-1)
		s.refused.Inc()
		s.log.Warn("connection refused: too many", slog.String("remote", nc.RemoteAddr().String()), slog.Int("max", s.opt.ConnsMax))
		nc.Close()
		return
	}
	c := newConn(s, nc)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.work.Go(func() {
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		s.current.Add(-1)
	})
}
