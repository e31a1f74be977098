package acceptance

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Of the soak of two drivers at once; PANDO_SOAK_KILLS makes it longer.
const (
	togetherKills = 4
	togetherMin   = 200 // transfers acknowledged between two kills.
	afterKillWait = 2 * time.Minute
)

// TestSoakTogether has threads of Java and tasks of Motor move money between the same
// accounts while the server is killed under them.
func TestSoakTogether(t *testing.T) {
	if os.Getenv("PANDO_ACCEPTANCE_URI") != "" {
		t.Skip("another's server is not killed")
	}
	kills := togetherKills
	if text := os.Getenv("PANDO_SOAK_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t)
	uri := s.uri(replicaSet)
	progress := make(chan int)
	wait := time.Duration(kills+1) * afterKillWait
	banks := []*bank{
		openBank(t, java.programFor(t, "bank", uri, wait), progress),
		openBank(t, pythonProgramFor(t, "motor_bank", uri, wait), progress),
	}
	last := time.NewTimer(afterKillWait)
	defer last.Stop()
	for acknowledged, killed := 0, 0; killed < kills && !t.Failed(); {
		select {
		case n := <-progress:
			if acknowledged += n; acknowledged < togetherMin {
				continue
			}
			acknowledged = 0
			s.kill()
			s.start()
			killed++
			last.Reset(afterKillWait)
		case <-last.C:
			t.Errorf("no %d transfers in %v after %d kills", togetherMin, afterKillWait, killed) // what the banks say about it comes below.
		}
	}
	go func() {
		for range progress { // so that no bank waits while it closes.
		}
	}()
	for _, b := range banks {
		b.stdin.Close()
	}
	for _, b := range banks {
		if err := <-b.done; err != nil {
			t.Errorf("%v\n%s", err, &b.said)
		}
		t.Logf("%s", &b.said)
	}
	close(progress)
	s.stop()
	s.check()
}

// bank is a program that transfers until its standard input ends.
type bank struct {
	stdin io.Closer
	said  bytes.Buffer // but for its progress; read it after done.
	done  chan error
}

// openBank starts a bank. It sends the number of transfers acknowledged since it last did.
func openBank(t *testing.T, cmd *exec.Cmd, progress chan<- int) *bank {
	t.Helper()
	b := &bank{done: make(chan error, 1)}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.stdin = stdin
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		before := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			count, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
			if n, err := strconv.Atoi(count); ok && err == nil {
				progress <- n - before
				before = n
			} else {
				fmt.Fprintln(&b.said, lines.Text())
			}
		}
		err := cmd.Wait()
		b.said.Write(errs.Bytes())
		b.done <- err
	}()
	return b
}
