package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// programWait bounds a program that hangs, as one would that serves when it should not.
const programWait = 2 * time.Minute

// asPando has the test binary be the program.
const asPando = "PANDO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asPando) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is this program, to be run in an empty directory.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), programWait)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), asPando+"=1")
	return cmd
}

// ends runs the program and expects it to end by itself: with a code, saying something.
func ends(t *testing.T, cmd *exec.Cmd, code int, says string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("%q: exit code %d, want %d\n%s", cmd.Args[1:], got, code, out)
	}
	if !strings.Contains(string(out), says) {
		t.Errorf("%q says\n%s\nand not %q", cmd.Args[1:], out, says)
	}
}

// serving is a server that runs, and what it has logged so far.
type serving struct {
	*exec.Cmd
	log []string // its first lines.
	uri string
	all chan []string // all lines, once it has ended.
}

// serve starts the program as a server on a directory, with its log in a pipe.
func serve(t *testing.T, cmd *exec.Cmd) *serving {
	t.Helper()
	r, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &serving{Cmd: cmd, all: make(chan []string, 1)}
	lines := bufio.NewScanner(r)
	for len(s.log) < 3 && lines.Scan() {
		s.log = append(s.log, lines.Text())
	}
	if len(s.log) < 3 {
		t.Fatalf("it does not start: %q, %v", s.log, cmd.Wait())
	}
	_, uri, _ := strings.Cut(message(t, s.log[1]), "connect with ")
	s.uri = uri
	first := s.log
	go func() {
		all := first
		for lines.Scan() {
			all = append(all, lines.Text())
		}
		s.all <- all
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return s
}

// end sends the signal, waits, and returns the log.
func (s *serving) end(t *testing.T, signal os.Signal) []string {
	t.Helper()
	if err := s.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	all := <-s.all
	if err := s.Wait(); err != nil {
		t.Errorf("%v: %v", signal, err)
	}
	return all
}

// message is the msg of a line that is a JSON object.
func message(t *testing.T, line string) string {
	t.Helper()
	var event struct{ Time, Level, Msg string }
	if err := json.Unmarshal([]byte(line), &event); err != nil || event.Time == "" || event.Level == "" {
		t.Fatalf("%q is no event: %v", line, err)
	}
	return event.Msg
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestMistakes: what cannot be meant is told, with what may have been meant.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--dbpth", "x"}, `unknown flag --dbpth, did you mean "--dbpath"?`},
		{[]string{"--port", "many"}, "--port"},
		{[]string{"--port", "65536"}, "pando: --port is from 0 to 65535, not 65536"},
		{[]string{"--maxConns", "0"}, "--maxConns is at least 1, not 0"},
		{[]string{"--slowOpSampleRate", "2"}, "--slowOpSampleRate is from 0 to 1, not 2"},
		{[]string{"--setParameter", "quiet"}, `--setParameter takes NAME=VALUE, not "quiet"`},
		{[]string{"--setParameter", "maxSession=1"}, "Unknown --setParameter 'maxSession', did you mean 'maxSessions'?"},
		{[]string{"--config", "nosuch.yaml"}, "the configuration cannot be read: open nosuch.yaml"},
		{[]string{"chek"}, "unexpected argument chek"},
	} {
		ends(t, program(t, c.args...), 2, c.says)
	}
}

// TestConfigMistakes: the same in the configuration file, by line and setting.
func TestConfigMistakes(t *testing.T) {
	for text, says := range map[string]string{
		"net:\n  prot: 1":                        "c.yaml, line 2: unknown setting net.prot, did you mean net.port?",
		"security:\n  authorization: enabled":    "c.yaml, line 2: unknown setting security.authorization\n",
		"net: 1":                                 "line 1: unknown setting net",
		"net:\n  port: abc":                      `line 2: net.port takes a whole number, not "abc"`,
		"net:\n  port: [1, 2]":                   "line 2: net.port takes one value",
		"net.port: 1\nnet:\n  port: 2":           "line 3: net.port is set twice",
		"systemLog:\n  quiet: perhaps":           `line 2: systemLog.quiet takes true or false, not "perhaps"`,
		"systemLog:\n  destination: syslog":      `line 2: systemLog.destination: only file is supported, not "syslog"`,
		"systemLog:\n  logAppend: false":         `line 2: systemLog.logAppend: only true is supported, not "false"`,
		"operationProfiling.slowOpSampleRate: x": `takes a number, not "x"`,
		"- net":                                  "line 1: this is not a list of settings",
		"a: [":                                   "pando: c.yaml: yaml: line 1",
	} {
		cmd := program(t, "--config", "c.yaml")
		write(t, cmd.Dir, "c.yaml", text)
		ends(t, cmd, 2, says)
	}
}

// TestConfig: settings come from the file, and the command line wins.
func TestConfig(t *testing.T) {
	cmd := program(t, "--config", "c.yaml", "--setParameter", "maxSessions=7")
	write(t, cmd.Dir, "c.yaml", `
net:
  port: 0
  maxIncomingConnections: 20
storage:
  dbPath: elsewhere
systemLog:
replication.replSetName: rs7
operationProfiling: {slowOpThresholdMs: 5, slowOpSampleRate: 0.5}
setParameter: {maxSessions: 5, enableTestCommands: true}
`)
	s := serve(t, cmd)
	if got, want := message(t, s.log[0]), "data are in "+filepath.Join(cmd.Dir, "elsewhere"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !strings.HasSuffix(s.uri, "/?replicaSet=rs7") {
		t.Errorf("connect with %s", s.uri)
	}
	client := connect(t, s.uri)
	var opts struct{ Parsed bson.M }
	if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "getCmdLineOpts", Value: 1}}).Decode(&opts); err != nil {
		t.Fatal(err)
	}
	got, err := bson.MarshalExtJSON(opts.Parsed, false, false)
	if err != nil {
		t.Fatal(err)
	}
	var flat map[string]any
	if err := json.Unmarshal(got, &flat); err != nil {
		t.Fatal(err)
	}
	sorted, _ := json.Marshal(flat)
	want := `{"config":"c.yaml","net":{"maxIncomingConnections":20,"port":0},"operationProfiling":{"slowOpSampleRate":0.5,"slowOpThresholdMs":5},` +
		`"replication":{"replSet":"rs7"},"setParameter":{"enableTestCommands":"true","maxSessions":"7"},"storage":{"dbPath":"elsewhere"}}`
	if string(sorted) != want {
		t.Errorf("parsed: %s\nwant:   %s", sorted, want)
	}
	s.end(t, syscall.SIGTERM)
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(t.Context()) })
	return client
}

// TestLife: a server tells where it is, keeps others from its data, and ends cleanly
// by either signal; then its store can be walked.
func TestLife(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd := program(t, "--port", "0", "--portfile", "port")
		s := serve(t, cmd)
		data := filepath.Join(cmd.Dir, "pando-data")
		port, err := os.ReadFile(filepath.Join(cmd.Dir, "port"))
		if err != nil || !strings.Contains(s.uri, ":"+strings.TrimSpace(string(port))+"/") {
			t.Errorf("the port file has %q, the log %s: %v", port, s.uri, err)
		}
		if got, want := message(t, s.log[0]), "data are in "+data; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := message(t, s.log[2]), "stop with Ctrl-C or SIGTERM"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		ends(t, program(t, "--port", "0", "--dbpath", data), 100, "the data directory is in use by another process")
		ends(t, program(t, "check", "--dbpath", data), 100, "the data directory is in use by another process")
		ends(t, program(t, "--port", strings.TrimSpace(string(port))), 48, "address already in use")

		all := s.end(t, signal)
		if got := message(t, all[len(all)-1]); got != "stopped" {
			t.Errorf("the last line says %q", got)
		}
		if _, err := os.Stat(filepath.Join(cmd.Dir, "port")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the port file is left: %v", err)
		}
		ends(t, program(t, "check", "--dbpath", data), 0, "no problems")
	}
}

// TestLogFile: with --logpath the log is a file, appended to, and what ends the
// process is there and on standard error.
func TestLogFile(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	cmd := program(t, "--logpath", "log", "--port", port)
	write(t, cmd.Dir, "log", "older\n")
	ends(t, cmd, 48, "pando: cannot listen: listen on 127.0.0.1 port "+port)
	log, err := os.ReadFile(filepath.Join(cmd.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	if len(lines) != 2 || string(lines[0]) != "older" || message(t, string(lines[1])) != "cannot go on" {
		t.Errorf("%s", log)
	}

	// In a pipe, the log is all that is said, and every line is one event.
	cmd = program(t, "--port", port)
	r, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(r)
	cmd.Wait()
	if got := message(t, strings.TrimSpace(string(said))); got != "cannot go on" {
		t.Errorf("%s", said)
	}
}

// TestNobodyReadsTheLog: a server goes on when the pipe of its log has been closed.
func TestNobodyReadsTheLog(t *testing.T) {
	cmd := program(t, "--port", "0", "--slowms=-1") // each command is slow, and is logged.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	lines := bufio.NewScanner(r)
	var uri string
	for uri == "" && lines.Scan() {
		_, uri, _ = strings.Cut(message(t, lines.Text()), "connect with ")
	}
	r.Close()
	client := connect(t, uri)
	for range 3 {
		if err := client.Ping(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestStores: a directory that is no store, or not one of ours, is told apart, and
// nothing is made of it.
func TestStores(t *testing.T) {
	s := serve(t, program(t, "--port", "0"))
	s.end(t, syscall.SIGTERM)
	data := filepath.Join(s.Dir, "pando-data")
	format, err := os.ReadFile(filepath.Join(data, "FORMAT"))
	if err != nil {
		t.Fatal(err)
	}

	empty := t.TempDir()
	ends(t, program(t, "check", "--dbpath", empty), 100, "there is no store in "+empty)
	if files, _ := os.ReadDir(empty); len(files) != 0 {
		t.Errorf("check has made %v", files)
	}
	ends(t, program(t, "check"), 100, "there is no store in ./pando-data")
	notDir := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(notDir), "file", "")
	ends(t, program(t, "--port", "0", "--dbpath", notDir), 100, "not a directory")

	newer := regexp.MustCompile(`format \d+`).ReplaceAll(format, []byte("format 999"))
	for text, want := range map[string]struct {
		code int
		says string
	}{
		string(newer):      {62, "a newer format than this version knows"},
		string(format[:9]): {100, "the data directory is damaged: file FORMAT"},
		"":                 {100, "the data directory is damaged: file FORMAT"},
	} {
		write(t, data, "FORMAT", text)
		ends(t, program(t, "--port", "0", "--dbpath", data), want.code, want.says)
		ends(t, program(t, "check", "--dbpath", data), want.code, want.says)
	}
}
