package acceptance

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const (
	kills        = 6   // of the server, under load.
	transfersMin = 300 // acknowledged between two kills.
)

// TestSoakGo and TestSoakNode kill the server under a bank's load.
func TestSoakGo(t *testing.T) {
	soak(t, func(uri string) *exec.Cmd { return goProgram(t, "bank", uri) })
}

func TestSoakNode(t *testing.T) {
	soak(t, func(uri string) *exec.Cmd { return nodeProgram(t, "bank", uri) })
}

func soak(t *testing.T, program func(uri string) *exec.Cmd) {
	if os.Getenv("PANDO_ACCEPTANCE_URI") != "" {
		t.Skip("another's server is not killed")
	}
	s := newServer(t)
	bank := program(s.uri(replicaSet))
	var errs bytes.Buffer
	bank.Stderr = &errs
	stdin, err := bank.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := bank.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bank.Start(); err != nil {
		t.Fatal(err)
	}

	last := killUnderLoad(s, stdout, stdin)
	if err := bank.Wait(); err != nil {
		t.Fatalf("the bank failed: %v\n%s\n%s", err, last, &errs)
	}
	t.Logf("%s", last)
	s.stop()
	s.check()
}

// killUnderLoad follows the bank's count of acknowledged transfers, kills and
// restarts the server every so many, and in the end asks the bank to close. It
// returns the bank's last words.
func killUnderLoad(s *server, stdout io.Reader, stdin io.WriteCloser) string {
	killed, since := 0, 0
	var rest strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		count, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			rest.WriteString(lines.Text() + "\n")
			continue
		}
		n, err := strconv.Atoi(count)
		if err != nil || n-since < transfersMin {
			continue
		}
		since = n
		if killed < kills {
			s.kill()
			s.start()
			killed++
			continue
		}
		stdin.Close() // the bank's closing time; more lines may follow.
	}
	return rest.String()
}
