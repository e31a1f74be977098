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

// socketPair returns a socket and its client's end.
func socketPair(t *testing.T) (*socket, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return newSocket(near.(*net.TCPConn)), far
}

// TestLinger: a socket that lingers reads what comes, and does so ever less for a
// client that is slow.
func TestLinger(t *testing.T) {
	s, far := socketPair(t)
	buf := make([]byte, 1)
	for skipped := 0; skipped <= 7; skipped = 2*skipped + 1 {
		for range skipped + 1 {
			if s.in.linger > 0 {
				t.Fatalf("lingers after less than %d requests", skipped)
			}
			s.linger()
		}
		if s.in.linger == 0 {
			t.Fatalf("does not linger after %d requests", skipped)
		}
		missed(t, s, buf)
	}
	// A wait that ended before it began tells nothing of the client.
	for s.linger(); s.in.linger == 0; {
		s.linger()
	}
	misses := s.misses
	if err := s.SetReadDeadline(past); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) || s.misses != misses {
		t.Fatalf("%v; %d misses, had %d", err, s.misses, misses)
	}
	if err := s.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	// A client that is there in time is waited for at each request again.
	if _, err := far.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	s.in.linger = lingerLooks
	if n, err := s.Read(buf); n != 1 || err != nil || s.misses != 0 {
		t.Fatalf("%d bytes, %v; %d misses", n, err, s.misses)
	}
}

// missed has a socket that lingers read for nothing. The deadline may be over before
// the first look, and then it is another try.
func missed(t *testing.T, s *socket, buf []byte) {
	t.Helper()
	for before := s.misses; s.misses == before; {
		s.in.linger = lingerLooks
		if err := s.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

// TestSocket has a socket wait for both directions and meet every end.
func TestSocket(t *testing.T) {
	s, far := socketPair(t)
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
