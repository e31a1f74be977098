//go:build !linux || race

package server

import "net"

// socket is the connection as it is, whose every system call the scheduler is told
// of; under the race detector too: who reads what another has sent comes after it.
type socket struct{ net.Conn }

func newSocket(tcp *net.TCPConn) *socket { return &socket{tcp} }

// linger does nothing here.
func (*socket) linger() {}
