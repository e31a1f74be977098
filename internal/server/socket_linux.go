//go:build !race

package server

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"github.com/pandodb/pando/internal/invariant"
)

// socket is a TCP connection whose system calls the scheduler is not told of. They
// never wait, since the socket does not block. Told of them, the scheduler makes
// ready to give each one's processor to another goroutine, and its monitor wakes
// every 20 µs to see to it: more than a quarter of the CPU time of a find.
//
// The price: while every processor is idle the monitor sleeps until a timer is due,
// and such a call does not wake it. Goroutines that keep every processor busy from
// then on are first preempted when it is; Pebble sets one every 100 ms.
//
// One goroutine reads at a time, and one writes.
type socket struct {
	net.Conn
	raw       syscall.RawConn
	in, out   transfer
	readOnce  func(fd uintptr) bool // methods of the transfers, made once.
	writeOnce func(fd uintptr) bool
	skip      int // how many calls of linger do nothing from now on.
	misses    int // what skip is set to when it has been for nothing again.
}

// A socket lingers for about what a client takes that sends one request as soon as
// the last one is answered. One that is slower is tried again, after ever more requests.
const (
	lingerLooks = 1000 // of about a fifth of a microsecond.
	missesMax   = 1<<10 - 1
)

// callBytesMax bounds one system call. A goroutine within it cannot be stopped, and
// a whole reply of 48 MB, copied while its client reads, would have every other
// goroutine wait when the garbage collector stops the world.
const callBytesMax = 256 << 10

// transfer is one Read or Write under way.
type transfer struct {
	buf    []byte
	done   int
	err    syscall.Errno
	linger int // how often to look again before the scheduler is asked to wait.
}

// newSocket returns the socket of an open connection.
func newSocket(tcp *net.TCPConn) *socket {
	raw, err := tcp.SyscallConn()
	invariant.Check(err == nil, "a TCP connection without a socket: %v", err)
	s := &socket{Conn: tcp, raw: raw}
	s.readOnce, s.writeOnce = s.in.read, s.out.write
	return s
}

// linger has the next Read look for its bytes for a while before the goroutine is put
// to sleep. A processor that went to sleep with the last goroutine is slow to wake,
// and has forgotten much, which for a client that is alone is a good part of what a
// durable write takes. The goroutine that reads calls it.
func (s *socket) linger() {
	if s.skip > 0 {
		s.skip--
		return
	}
	s.in.linger = lingerLooks
}

// Read implements io.Reader.
func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	lingers := s.in.linger > 0
	s.in = transfer{buf: b, linger: s.in.linger}
	err := s.raw.Read(s.readOnce)
	switch {
	case lingers && s.in.linger == 0:
		s.misses = min(2*s.misses+1, missesMax)
		s.skip = s.misses
	case lingers && s.in.done > 0:
		s.misses = 0
	}
	n := s.in.done
	s.in.buf, s.in.linger = nil, 0
	switch {
	case err != nil:
		return n, err
	case s.in.err != 0:
		return n, os.NewSyscallError("read", s.in.err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements io.Writer.
func (s *socket) Write(b []byte) (int, error) {
	s.out = transfer{buf: b}
	err := s.raw.Write(s.writeOnce)
	s.out.buf = nil
	if err == nil && s.out.err != 0 {
		err = os.NewSyscallError("write", s.out.err)
	}
	return s.out.done, err
}

// read makes one read; false waits until the socket has something.
func (t *transfer) read(fd uintptr) bool {
	for {
		n, errno := call(syscall.SYS_READ, fd, t.buf)
		switch errno {
		case 0:
			t.done = n
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			if t.linger == 0 {
				return false
			}
			t.linger--
		default:
			t.err = errno
			return true
		}
	}
}

// write writes as much as goes; false waits until the socket has room.
func (t *transfer) write(fd uintptr) bool {
	for t.done < len(t.buf) {
		n, errno := call(syscall.SYS_WRITE, fd, t.buf[t.done:])
		switch errno {
		case 0:
			t.done += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.err = errno
			return true
		}
	}
	return true
}

// call makes one system call to read into b or to write it, or what goes at once.
func call(trap, fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(min(len(b), callBytesMax)))
	return int(n), errno
}
