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

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/kv/pebblekv"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/server"
	"github.com/pandodb/pando/internal/session"
)

// Options are how a server is opened. Only DBPath must be set.
type Options struct {
	// DBPath is the directory of the data, made if it is not there.
	DBPath string

	// BindIP is a comma-separated list of addresses to listen on; empty is loopback.
	BindIP string

	// Port to listen on; 0 lets the system pick one: see Server.Port.
	Port int

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

	// ArgV is what getCmdLineOpts shows.
	ArgV []string
}

// The kinds of failure that have an exit code of their own.
var (
	ErrListen      = errors.New("cannot listen")
	ErrNewerFormat = pebblekv.ErrNewerFormat
	ErrDied        = errors.New("the store has failed")
	ErrOption      = errors.New("bad option")
)

// Server is a running server. It is safe for concurrent use.
type Server struct {
	opt      Options
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
			return nil, fmt.Errorf("%w: %w", ErrOption, err)
		}
	}
	s := &Server{opt: opt, died: make(chan error, 1)}
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
	s.listener, err = server.Listen(ctx, server.Options{
		Handler: handler{s.commands}, BindIPs: strings.Split(s.opt.BindIP, ","), Port: s.opt.Port, Log: s.opt.Logger,
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
	b := bsonx.NewBuilder(nil)
	b.OpenDoc("net")
	b.String("bindIp", s.opt.BindIP)
	b.Int32("port", int32(s.opt.Port))
	b.Close()
	b.OpenDoc("replication")
	b.String("replSet", s.opt.ReplSet)
	b.Close()
	b.OpenDoc("setParameter")
	for name, value := range s.opt.Parameters {
		b.String(name, value)
	}
	b.Close()
	b.OpenDoc("storage")
	b.String("dbPath", s.opt.DBPath)
	b.Close()
	p.Parsed = b.Doc()
	return p
}

// die is what the engine calls when it must not go on.
func (s *Server) die(err error) {
	err = fmt.Errorf("%w: %w", ErrDied, err)
	s.opt.Logger.Error("the store has failed, stopping", slog.Any("error", err))
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

// URI is a connection string for this server.
func (s *Server) URI() string {
	return "mongodb://" + net.JoinHostPort(s.listener.Addrs()[0].(*net.TCPAddr).IP.String(), strconv.Itoa(s.Port())) + "/?replicaSet=" + s.opt.ReplSet
}

// Close is Shutdown with ten seconds.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.Shutdown(ctx)
}

// Shutdown ends the server: clients are told, running commands end, open
// transactions abort, the store closes. After ctx ends it waits for no client.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(func() {
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
