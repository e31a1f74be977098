package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// How long a server may take to start and to stop.
const (
	startWait = 30 * time.Second
	stopWait  = 30 * time.Second
)

var built struct {
	sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// serverBinary builds the server once, or takes the one that it is told.
func serverBinary(t *testing.T) string {
	if path := os.Getenv("PANDO_ACCEPTANCE_BINARY"); path != "" {
		return path
	}
	built.Do(func() {
		dir, err := os.MkdirTemp("", "pando-acceptance")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "pando")
		cmd := exec.Command("go", "build", "-o", built.path, "./cmd/pando")
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build ./cmd/pando: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// server is a server process, and what is needed to start another in its place.
type server struct {
	t    *testing.T
	args []string // more than the harness gives.
	dir  string   // its data.
	port int      // 0 until the first start has picked one.
	cmd  *exec.Cmd
	log  *bytes.Buffer // of the process that runs; read it only after its end.
	done chan error
}

// newServer starts a server on an empty directory; it is stopped when the test ends.
func newServer(t *testing.T, args ...string) *server {
	s := &server{t: t, args: args, dir: filepath.Join(t.TempDir(), "data")}
	s.start()
	t.Cleanup(func() {
		if s.cmd != nil {
			s.stop()
		}
	})
	return s
}

// start starts the process on the data and, after the first time, the port of before.
func (s *server) start() {
	s.t.Helper()
	portFile := filepath.Join(s.t.TempDir(), "port")
	args := append([]string{"--dbpath", s.dir, "--port", strconv.Itoa(s.port), "--portfile", portFile}, s.args...)
	s.cmd = exec.Command(serverBinary(s.t), args...)
	s.log = &bytes.Buffer{}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(s.cmd, s.done)

	deadline := time.NewTimer(startWait)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(portFile); err == nil && strings.HasSuffix(string(text), "\n") {
			port, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				s.t.Fatalf("port file: %v", err)
			}
			s.port = port
			return
		}
		select {
		case err := <-s.done:
			s.cmd = nil
			s.t.Fatalf("the server ended at its start: %v\n%s", err, s.log)
		case <-deadline.C:
			s.kill()
			s.t.Fatalf("the server has not written its port file after %v\n%s", startWait, s.log)
		case <-tick.C:
		}
	}
}

// kill ends the process as a power cut would.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.done
	s.cmd = nil
}

// stop asks the process to end, and minds how it does.
func (s *server) stop() {
	s.t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("the server did not end well: %v\n%s", err, s.log)
		}
	case <-time.After(stopWait):
		s.cmd.Process.Kill()
		<-s.done
		s.t.Errorf("the server had to be killed %v after SIGTERM\n%s", stopWait, s.log)
	}
	s.cmd = nil
}

// uri is the connection string that a user would write, with options.
func (s *server) uri(options string) string {
	return fmt.Sprintf("mongodb://127.0.0.1:%d/%s", s.port, options)
}

// check walks the stopped server's store.
func (s *server) check() {
	s.t.Helper()
	if os.Getenv("PANDO_ACCEPTANCE_BINARY") != "" {
		return // not necessarily one that can.
	}
	out, err := exec.Command(serverBinary(s.t), "check", "--dbpath", s.dir).CombinedOutput()
	if err != nil {
		s.t.Errorf("pando check: %v\n%s", err, out)
	}
}

// target is where the programs go: a server that is told, or one of our own, with
// more arguments.
func target(t *testing.T, args ...string) func(options string) string {
	given := os.Getenv("PANDO_ACCEPTANCE_URI")
	if given == "" {
		s := newServer(t, args...)
		return s.uri
	}
	u, err := url.Parse(given)
	if err != nil || u.Host == "" {
		t.Fatalf("PANDO_ACCEPTANCE_URI: no host in %q", given)
	}
	return func(options string) string { return "mongodb://" + u.Host + "/" + options }
}

// run runs a client program to its end, returns what it printed and fails with that.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() < 0 {
		err = context.DeadlineExceeded // the only signal that comes from us.
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("%s", &out)
	return out.String()
}
