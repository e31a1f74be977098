package pando

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/kv/pebblekv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/server"
	"github.com/pandodb/pando/internal/session"
)

// Options are how a server is opened. Only DBPath must be set.
type Options struct {
	// DBPath is the directory of the data, made if it is not there.
	DBPath string

	// BindIP is a comma-separated list of addresses to listen on, "*" for all there
	// are; empty is loopback.
	BindIP string

	// Port to listen on; 0 lets the system pick one: see Server.Port.
	Port int

	// MaxConns is how many connections may be open; 0 is as many as the system gives
	// the process files for, less those that the store needs. More than that it never is.
	MaxConns int

	// Advertise is the "host:port" that drivers are told to come back to; empty
	// is the address that each of them connected to.
	Advertise string

	// ReplSet is the replica set's name; empty is "rs0".
	ReplSet string

	// Parameters are server parameters, as --setParameter takes them.
	Parameters map[string]string

	// Logger takes the log; nil drops it.
	Logger *slog.Logger

	// LogLevel is the logger's level, for the parameters logLevel and quiet to
	// set; nil leaves them without effect on a logger that is not Pando's.
	LogLevel *slog.LevelVar

	// Slow is how long an operation or a transaction may take before the log tells
	// of it; nil is 100 ms.
	Slow *time.Duration

	// SlowSampleRate is the share of slow operations that the log tells of, from 0
	// to 1; nil is all.
	SlowSampleRate *float64

	// LogTail gives the log's last lines to the getLog command; may be nil.
	LogTail func() []string

	// OnFatal is called once, before anything else, when the store has failed in
	// a way that it must not go on from (a failed sync). Died tells too.
	OnFatal func(error)

	// ArgV is the command line, for getCmdLineOpts.
	ArgV []string

	// Given are the settings that somebody has given, on the command line or in a file,
	// by mongod's names (net.port), for getCmdLineOpts: texts, numbers and truth values.
	Given map[string]any
}

// The kinds of failure that have an exit code of their own.
var (
	ErrListen      = errors.New("cannot listen")
	ErrNewerFormat = pebblekv.ErrNewerFormat
	ErrDied        = pebblekv.ErrDied
	ErrOption      = errors.New("bad option")
)

// Server is a running server. It is safe for concurrent use.
type Server struct {
	opt      Options
	params   *param.Set
	store    *pebblekv.Store
	sessions *session.Manager
	commands *command.Dispatcher
	listener *server.Server
	died     chan error
	stop     context.CancelFunc
	tasks    sync.WaitGroup
	once     sync.Once
	closed   error
}

// Open starts a server. It answers when Open returns.
func Open(ctx context.Context, opt Options) (*Server, error) {
	if opt.DBPath == "" {
		return nil, errors.New("pando: Options.DBPath is not set")
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.ReplSet == "" {
		opt.ReplSet = "rs0"
	}
	if opt.BindIP == "" {
		opt.BindIP = "127.0.0.1"
	}
	params := param.New()
	for name, value := range opt.Parameters {
		if err := params.SetStartup(name, value); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrOption, mongoerr.From(err).Msg)
		}
	}
	s := &Server{opt: opt, params: params, died: make(chan error, 1)}
	e := env.System()
	if err := s.openStore(ctx, e, params); err != nil {
		return nil, err
	}
	if err := s.listen(ctx); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	s.follow(params)
	s.background(params)
	s.listener.Serve() // and not before all of s is there.
	return s, nil
}

func (s *Server) openStore(ctx context.Context, e *env.Env, params *param.Set) error {
	store, err := pebblekv.Open(s.opt.DBPath, pebblekv.Options{Env: e, Die: s.die, Logger: s.opt.Logger})
	if err != nil {
		return err
	}
	db, err := docstore.Open(ctx, store, e)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	s.store = store
	s.sessions = session.NewManager(db, store, e, session.Config{
		Lifetime:    params.TransactionLifetimeLimitSeconds.Seconds,
		Timeout:     params.LocalLogicalSessionTimeoutMinutes.Minutes(),
		SessionsMax: int(params.MaxSessions.Get()),
		Ended:       func(i session.Info, committed bool) { s.commands.TxnEnded(i, committed) },
		RecordLife:  params.TransactionRecordMinimumLifetimeMinutes.Minutes(),
	})
	s.commands = command.New(command.Config{
		Store: store, DB: db, Sessions: s.sessions, Params: params, FailPoints: failpoint.New(e), Env: e, Log: s.opt.Logger,
		Host: command.ReadHostInfo(), LogTail: s.opt.LogTail, Stats: s.connections, Waits: s.waiting, Persona: s.persona(e),
		Slow: s.opt.Slow, SlowRate: s.opt.SlowSampleRate,
	})
	if err := s.commands.Load(ctx); err != nil {
		return errors.Join(err, store.Close())
	}
	return nil
}

func (s *Server) listen(ctx context.Context) (err error) {
	bind := strings.Split(s.opt.BindIP, ",")
	for i, ip := range bind {
		if bind[i] = strings.TrimSpace(ip); bind[i] == "*" {
			bind[i] = ""
		}
	}
	s.listener, err = server.Listen(ctx, server.Options{
		Handler: handler{s.commands}, BindIPs: bind, Port: s.opt.Port,
		ConnsMax: s.opt.MaxConns, Log: s.opt.Logger,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrListen, err)
	}
	return nil
}

func (s *Server) persona(e *env.Env) command.Persona {
	p := command.Persona{
		SetName: s.opt.ReplSet, Advertise: s.opt.Advertise, ProcessID: e.ObjectID(), Started: e.Now(),
		ArgV: s.opt.ArgV, Version: Version(), GitCommit: revision(),
	}
	// An election id is the term; a new one at each start, and never a lower one.
	p.Elected = [12]byte{0x7f, 0xff, 0xff, 0xff}
	binary.BigEndian.PutUint64(p.Elected[4:], uint64(p.Started.UnixMilli()))
	p.Parsed = parsed(s.opt.Given, s.opt.Parameters)
	return p
}

// die is what the engine calls, having logged why, when it must not go on.
func (s *Server) die(err error) {
	if s.opt.OnFatal != nil {
		s.opt.OnFatal(err)
	}
	select {
	case s.died <- err:
	default:
	}
}

// Died tells once if the store has failed; the server acknowledges nothing any more.
func (s *Server) Died() <-chan error { return s.died }

// Port is the port that the server listens on.
func (s *Server) Port() int { return s.listener.Addrs()[0].(*net.TCPAddr).Port }

// URI is a connection string for this server, from the machine that it runs on.
func (s *Server) URI() string {
	ip := s.listener.Addrs()[0].(*net.TCPAddr).IP
	if ip.IsUnspecified() { // it listens on all addresses; this is one of them.
		ip = net.IPv4(127, 0, 0, 1)
	}
	return "mongodb://" + net.JoinHostPort(ip.String(), strconv.Itoa(s.Port())) + "/?replicaSet=" + s.opt.ReplSet
}

// Close is Shutdown with ten seconds.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.Shutdown(ctx)
}

// Shutdown ends the server: clients are told, running commands end, open
// transactions abort, the store closes. After ctx ends, or after the time that the
// parameter shutdownTimeoutMillisForSignaledShutdown gives, it waits for no client.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, s.params.ShutdownTimeoutMillis.Millis())
		defer cancel()
		s.stop()
		s.commands.Stop()
		s.sessions.AbortIdle()
		err := s.listener.Shutdown(ctx)
		s.sessions.AbortAll(errShutdown)
		s.tasks.Wait()
		s.closed = errors.Join(err, s.store.Close())
	})
	return s.closed
}

// Version is Pando's own version.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.1.0-dev"
}

func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
