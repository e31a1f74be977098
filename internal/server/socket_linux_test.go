//go:build !race

package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestSocket has a socket wait for both directions and meet every end.
func TestSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := newSocket(accepted)
	defer s.Close()
	if _, ok := s.(*socket); !ok {
		t.Fatalf("a TCP connection is served as a %T", s)
	}
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}

	// More than the buffers of both ends hold: the writer waits for the reader, and
	// the reader for the writer.
	sent := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	wrote := make(chan error, 1)
	go func() {
		n, err := s.Write(sent)
		if err == nil && n != len(sent) {
			err = io.ErrShortWrite
		}
		wrote <- err
	}()
	echoed := make(chan error, 1)
	go func() {
		_, err := io.Copy(far, io.LimitReader(far, int64(len(sent))))
		echoed <- errors.Join(err, far.(*net.TCPConn).CloseWrite())
	}()
	got, err := io.ReadAll(s)
	if err := errors.Join(err, <-wrote, <-echoed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back changed as %d", len(sent), len(got))
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}

	if err := s.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past its deadline: %v", err)
	}

	// A client that resets the connection.
	if err := errors.Join(far.(*net.TCPConn).SetLinger(0), far.Close(), s.SetReadDeadline(time.Time{})); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		_, err = s.Write(sent)
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing to nobody: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
