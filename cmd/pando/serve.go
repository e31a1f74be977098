package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pandodb/pando"
)

// shutdownTimeout is how long a server that was told to stop may take.
const shutdownTimeout = 10 * time.Second

// serveCommand has mongod's spellings where mongod has the flag.
type serveCommand struct {
	Config       string   `name:"config" short:"f" placeholder:"FILE" help:"Read settings from a YAML file in mongod's layout."`
	DBPath       string   `name:"dbpath" placeholder:"DIR" help:"Where the data are (./pando-data)."`
	Port         *int     `name:"port" placeholder:"N" help:"Port to listen on (27017); 0 lets the system pick one."`
	BindIP       string   `name:"bind_ip" placeholder:"ADDRS" help:"Comma-separated addresses to listen on (127.0.0.1)."`
	MaxConns     *int     `name:"maxConns" placeholder:"N" help:"Connections at a time (as many as the system gives files for)."`
	PortFile     string   `name:"portfile" placeholder:"FILE" help:"Write the port listened on into a file."`
	Advertise    string   `name:"advertise" placeholder:"HOST:PORT" help:"The address drivers are told to come back to (the one they connected to)."`
	ReplSet      string   `name:"replSet" placeholder:"NAME" help:"The replica set's name (rs0)."`
	SetParameter []string `name:"setParameter" sep:"none" placeholder:"NAME=VALUE" help:"Set a server parameter; may be repeated."`
	LogPath      string   `name:"logpath" placeholder:"FILE" help:"Write the log to a file, one JSON object a line."`
	Quiet        bool     `name:"quiet" help:"Log only warnings and errors."`
	SlowMS       *int     `name:"slowms" placeholder:"N" help:"Log operations and transactions that take N ms or longer (100)."`
	SlowRate     *float64 `name:"slowOpSampleRate" placeholder:"R" help:"Log only this share of them, from 0 to 1 (1)."`
	Verbose      int      `name:"verbose" short:"v" type:"counter" help:"Log more."`
}

// Run serves until a signal or the end of the store.
func (s *serveCommand) Run() error {
	if os.Getenv("GOGC") == "" {
		defer keepHeap().close()
	}
	if err := s.readConfig(); err != nil {
		return err
	}
	o, err := s.options()
	if err != nil {
		return err
	}
	log, err := openLog(s.LogPath, s.Quiet, s.Verbose)
	if err != nil {
		return err
	}
	err = s.serve(o, log)
	if err == nil || exitCode(err) == exitUsage {
		return err
	}
	return log.fatal(err)
}

func (s *serveCommand) serve(o pando.Options, log *logging) error {
	signal.Ignore(syscall.SIGPIPE) // whoever read the log may go away; the server stays.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o.Logger, o.LogTail, o.LogLevel = log.Logger, log.tail.lines, log.level
	srv, err := pando.Open(ctx, o)
	if err != nil {
		return err
	}
	if s.PortFile != "" {
		if err := writePort(s.PortFile, srv.Port()); err != nil {
			return errors.Join(err, srv.Close())
		}
		defer os.Remove(s.PortFile)
	}
	log.Info("data are in " + whole(o.DBPath))
	log.Info("connect with " + srv.URI())
	log.Info("stop with Ctrl-C or SIGTERM")
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err := <-srv.Died():
		return err
	}
	stop() // a second signal ends the process at once.
	limit, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err = srv.Shutdown(limit)
	log.Info("stopped")
	return err
}

// whole is a path that means the same from any directory.
func whole(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func (s *serveCommand) options() (pando.Options, error) {
	o := pando.Options{
		DBPath: orDefault(s.DBPath, "./pando-data"), BindIP: orDefault(s.BindIP, "127.0.0.1"), Port: 27017,
		Advertise: s.Advertise, ReplSet: s.ReplSet, ArgV: os.Args, Given: s.given(), Parameters: map[string]string{},
	}
	if s.Port != nil {
		o.Port = *s.Port
	}
	if o.Port < 0 || o.Port > 65535 {
		return o, usagef("--port is from 0 to 65535, not %d", o.Port)
	}
	if r := s.SlowRate; r != nil && !(*r >= 0 && *r <= 1) {
		return o, usagef("--slowOpSampleRate is from 0 to 1, not %g", *r)
	}
	if n := s.MaxConns; n != nil {
		if *n < 1 {
			return o, usagef("--maxConns is at least 1, not %d", *n)
		}
		o.MaxConns = *n
	}
	o.SlowSampleRate = s.SlowRate
	if s.SlowMS != nil {
		slow := time.Duration(*s.SlowMS) * time.Millisecond
		o.Slow = &slow
	}
	for _, kv := range s.SetParameter {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			return o, usagef("--setParameter takes NAME=VALUE, not %q", kv)
		}
		o.Parameters[name] = value
	}
	return o, nil
}

// given are the settings that the command line and the configuration file gave, by
// mongod's names for them.
func (s *serveCommand) given() map[string]any {
	given := map[string]any{}
	for name, text := range map[string]string{"config": s.Config, "net.bindIp": s.BindIP, "replication.replSet": s.ReplSet,
		"storage.dbPath": s.DBPath, "systemLog.path": s.LogPath} {
		if text != "" {
			given[name] = text
		}
	}
	for name, n := range map[string]*int{"net.port": s.Port, "net.maxIncomingConnections": s.MaxConns,
		"operationProfiling.slowOpThresholdMs": s.SlowMS} {
		if n != nil {
			given[name] = *n
		}
	}
	if s.LogPath != "" {
		given["systemLog.destination"] = "file"
	}
	if s.Quiet {
		given["systemLog.quiet"] = true
	}
	if s.Verbose > 0 {
		given["systemLog.verbosity"] = s.Verbose
	}
	if s.SlowRate != nil {
		given["operationProfiling.slowOpSampleRate"] = *s.SlowRate
	}
	return given
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// writePort writes the file whole or not at all: whoever waits for it reads a number.
func writePort(path string, port int) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, []byte(strconv.Itoa(port)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
