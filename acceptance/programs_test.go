package acceptance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// programWait bounds a client program. One that starts a virtual machine takes a
// quarter of a minute on a busy machine, and a soak one and a half.
const programWait = 5 * time.Minute

const replicaSet = "?replicaSet=rs0"

// says is what each program prints, among other things, in every language that has it.
var says = map[string][]string{
	"manual":    {"foo: 2, bar: 2"},
	"employees": {"status of employee 1: Inactive", "status of employee 3: Inactive", "events: 2"},
	"trouble": {
		"abort: nothing is left of it",
		"duplicate key: the transaction is over, the error is not transient",
		"conflict: told at the write, gone at the retry",
		"contended: no update was lost",
	},
	"cursor":   {"seen: 1000, sum: 499500"},
	"parallel": {"total: 190"},
	"mongocxx": {"foo: 2, bar: 2"},
	"crud":     {"total: 120303", "in the session: 1"},
}

// clients are the languages, each with its programs.
var clients = []struct {
	language string
	program  func(t *testing.T, name, uri string) *exec.Cmd
	names    []string
}{
	{"node", nodeProgram, []string{"employees", "manual", "trouble", "cursor", "parallel"}},
	{"motor", motorProgram, []string{"employees", "manual", "trouble", "cursor", "parallel"}},
	{"java", java.program, []string{"employees", "manual", "trouble", "cursor"}},
	{"scala", scala.program, []string{"employees", "manual", "trouble", "cursor", "parallel"}},
	{"kotlin", kotlin.program, []string{"employees", "manual", "trouble", "cursor", "parallel"}},
	{"rust", rustProgram, []string{"employees", "manual", "trouble", "cursor"}},
	{"c", cProgram, []string{"employees", "manual", "trouble", "cursor", "mongocxx"}},
	{"php", phpProgram, []string{"employees", "manual", "trouble", "cursor"}},
	{"perl", perlProgram, []string{"employees", "manual", "trouble", "cursor"}},
	{"ruby", rubyProgram, []string{"crud"}},
}

// TestPrograms runs every client program, one after the other, against one server.
func TestPrograms(t *testing.T) {
	uri := target(t)
	for _, name := range []string{"employees", "manual", "trouble", "cursor"} {
		t.Run("go/"+name, func(t *testing.T) { run(t, goProgram(t, name, uri(replicaSet))) })
	}
	for _, name := range []string{"employees", "guide", "trouble", "async_employees", "async_guide", "async_trouble"} {
		t.Run("python/"+name, func(t *testing.T) { run(t, pythonProgram(t, name, uri(replicaSet))) })
	}
	for _, name := range []string{"employees", "trouble"} {
		t.Run("mongosh/"+name, func(t *testing.T) { run(t, shellProgram(t, name, uri(replicaSet))) })
	}
	for _, client := range clients {
		for _, name := range client.names {
			t.Run(client.language+"/"+name, func(t *testing.T) {
				runSaying(t, client.program(t, name, uri(replicaSet)), says[name])
			})
		}
	}
}

// TestRacing: statements of a transaction that overtake the one that starts it wait for
// it. The original refuses them, so that this is asked of our server only.
func TestRacing(t *testing.T) {
	if os.Getenv("PANDO_ACCEPTANCE_URI") != "" {
		t.Skip("another's server refuses them")
	}
	uri := target(t)
	want := []string{"total: 200"}
	t.Run("go", func(t *testing.T) { runSaying(t, goProgram(t, "racing", uri(replicaSet)), want) })
	t.Run("node", func(t *testing.T) { runSaying(t, nodeProgram(t, "racing", uri(replicaSet)), want) })
	t.Run("motor", func(t *testing.T) { runSaying(t, motorProgram(t, "racing", uri(replicaSet)), want) })
	t.Run("kotlin", func(t *testing.T) { runSaying(t, kotlin.program(t, "racing", uri(replicaSet)), want) })
}

// runSaying runs a program and looks for lines in what it prints.
func runSaying(t *testing.T, cmd *exec.Cmd, lines []string) {
	t.Helper()
	said := strings.Split(run(t, cmd), "\n")
	for _, line := range lines {
		if !slices.Contains(said, line) {
			t.Errorf("it does not print %q", line)
		}
	}
}

// TestConnectionStrings: the ways in which users write the address of a server, and
// each compressor, are as good as any other.
func TestConnectionStrings(t *testing.T) {
	uri := target(t)
	for name, options := range map[string]string{
		"plain":   "",
		"direct":  "?directConnection=true",
		"options": "?replicaSet=rs0&retryWrites=true&w=majority&readConcernLevel=majority&appName=acceptance",
		"snappy":  "?compressors=snappy",
		"zlib":    "?compressors=zlib",
		"zstd":    "?compressors=zstd",
	} {
		t.Run("go/"+name, func(t *testing.T) { run(t, goProgram(t, "manual", uri(options))) })
		t.Run("c/"+name, func(t *testing.T) { run(t, cProgram(t, "manual", uri(options))) })
		if name == "plain" || name == "direct" || name == "options" || name == "zlib" {
			t.Run("node/"+name, func(t *testing.T) { run(t, nodeProgram(t, "manual", uri(options))) })
			t.Run("python/"+name, func(t *testing.T) { run(t, pythonProgram(t, "guide", uri(options))) })
			t.Run("java/"+name, func(t *testing.T) { run(t, java.program(t, "manual", uri(options))) })
		}
	}
	t.Run("mongosh/plain", func(t *testing.T) { run(t, shellProgram(t, "employees", uri(""))) })
}

// TestRestart: what a program has committed is there after the server was stopped,
// and after it was killed.
func TestRestart(t *testing.T) {
	if os.Getenv("PANDO_ACCEPTANCE_URI") != "" {
		t.Skip("another's server is not stopped")
	}
	s := newServer(t)
	run(t, goProgram(t, "manual", s.uri("")))
	for _, end := range []func(){s.stop, s.kill} {
		end()
		s.start()
		cmd := goProgram(t, "manual", s.uri(""))
		cmd.Env = append(cmd.Env, "ONLY_LOOK=1")
		run(t, cmd)
	}
	s.stop()
	s.check()
}

// command is a client program with its time limit and the address in its environment.
func command(t *testing.T, uri, name string, args ...string) *exec.Cmd {
	return commandFor(t, uri, programWait, name, args...)
}

func commandFor(t *testing.T, uri string, wait time.Duration, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "MONGODB_URI="+uri)
	return cmd
}

func goProgram(t *testing.T, name, uri string) *exec.Cmd {
	bin := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", bin, "./clients/go/"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return command(t, uri, bin)
}

// nodeProgram runs a script beside its modules, where Node looks for them.
func nodeProgram(t *testing.T, name, uri string) *exec.Cmd {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(node.need(t), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("clients/node/" + name + ".mjs")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, name+".mjs")
	if err := os.WriteFile(script, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return command(t, uri, "node", script)
}

func pythonProgram(t *testing.T, name, uri string) *exec.Cmd {
	return pythonProgramFor(t, name, uri, programWait)
}

func pythonProgramFor(t *testing.T, name, uri string, wait time.Duration) *exec.Cmd {
	return commandFor(t, uri, wait, filepath.Join(python.need(t), "venv", "bin", "python"), "clients/python/"+name+".py")
}

func motorProgram(t *testing.T, name, uri string) *exec.Cmd {
	return pythonProgram(t, "motor_"+name, uri)
}

func shellProgram(t *testing.T, name, uri string) *exec.Cmd {
	cmd := command(t, uri, filepath.Join(node.need(t), "node_modules", ".bin", "mongosh"),
		uri, "--quiet", "--norc", "clients/mongosh/"+name+".js")
	cmd.Env = append(cmd.Env, "HOME="+t.TempDir()) // it keeps a history and logs there.
	return cmd
}
