//go:build !race

package server

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
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
}

// transfer is one Read or Write under way.
type transfer struct {
	buf  []byte
	done int
	err  syscall.Errno
}

func newSocket(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nc
	}
	s := &socket{Conn: nc, raw: raw}
	s.readOnce, s.writeOnce = s.in.read, s.out.write
	return s
}

// Read implements io.Reader.
func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	s.in = transfer{buf: b}
	err := s.raw.Read(s.readOnce)
	n := s.in.done
	s.in.buf = nil
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
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.buf))), uintptr(len(t.buf)))
		switch errno {
		case 0:
			t.done = int(n)
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.err = errno
			return true
		}
	}
}

// write writes as much as goes; false waits until the socket has room.
func (t *transfer) write(fd uintptr) bool {
	for t.done < len(t.buf) {
		rest := t.buf[t.done:]
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(rest))), uintptr(len(rest)))
		switch errno {
		case 0:
			t.done += int(n)
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
