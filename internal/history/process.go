package history

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startWait is how long a server may take to start or to stop.
const startWait = 30 * time.Second

// BuildServer builds the server's binary in dir, with build tags.
func BuildServer(dir string, tags ...string) (path string, err error) {
	path = filepath.Join(dir, "pando")
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", path, "github.com/pandodb/pando/cmd/pando")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return path, nil
}

// Process is a server process that can be killed and started again on its data. It
// is used by one goroutine at a time.
type Process struct {
	binary, dir string
	port        int // 0 until the first start has picked one.
	cmd         *exec.Cmd
	log         *bytes.Buffer // of the process that runs; to be read after its end.
	done        chan error
}

// StartProcess starts a server on data in dir.
func StartProcess(binary, dir string) (*Process, error) {
	p := &Process{binary: binary, dir: dir}
	return p, p.Start()
}

// Addr is where the server listens, in all its lives.
func (p *Process) Addr() string { return "127.0.0.1:" + strconv.Itoa(p.port) }

// Start starts the process again, after Kill or Stop.
func (p *Process) Start() error {
	portFile := filepath.Join(p.dir, "port")
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	if err := os.Remove(portFile); err != nil && !os.IsNotExist(err) {
		return err
	}
	p.log = &bytes.Buffer{}
	p.cmd = exec.Command(p.binary, "--dbpath", filepath.Join(p.dir, "data"), "--port", strconv.Itoa(p.port), "--portfile", portFile)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return err
	}
	p.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(p.cmd, p.done)
	deadline := time.NewTimer(startWait)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(portFile); err == nil && strings.HasSuffix(string(text), "\n") {
			p.port, err = strconv.Atoi(strings.TrimSpace(string(text)))
			return err
		}
		select {
		case err := <-p.done:
			p.cmd = nil
			return fmt.Errorf("the server ended at its start: %w\n%s", err, p.log)
		case <-deadline.C:
			p.Kill()
			return fmt.Errorf("the server has not written its port file after %v\n%s", startWait, p.log)
		case <-tick.C:
		}
	}
}

// Kill ends the process as a power cut would, but for what the system still holds.
func (p *Process) Kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it has ended by itself if that fails.
	<-p.done
	p.cmd = nil
}

// Stop ends the process well, and walks its store.
func (p *Process) Stop() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	deadline := time.NewTimer(startWait)
	defer deadline.Stop()
	select {
	case err := <-p.done:
		p.cmd = nil
		if err != nil {
			return fmt.Errorf("the server did not end well: %w\n%s", err, p.log)
		}
	case <-deadline.C:
		p.Kill()
		return fmt.Errorf("the server had to be killed %v after SIGTERM\n%s", startWait, p.log)
	}
	if out, err := exec.Command(p.binary, "check", "--dbpath", filepath.Join(p.dir, "data")).CombinedOutput(); err != nil {
		return fmt.Errorf("pando check: %w\n%s", err, out)
	}
	return nil
}
