package server

import (
	"context"

	"github.com/pandodb/pando/internal/wire"
)

// Handler serves the clients of a server.
type Handler interface {
	// Connect is called for each new connection, before its first message.
	Connect(p Peer) Client
}

// Peer is who is at the other end.
type Peer struct {
	ID     int64  // counts connections from 1; the connectionId that hello tells.
	Remote string // the client's address.
	Local  string // the address that the client connected to.
}

// Client serves one connection. Its methods are called one at a time.
type Client interface {
	// Handle serves a message, which is its to read until it returns. The reply
	// is one document appended to dst, whose bytes so far are not its to change;
	// it is dropped if the message wants none.
	//
	// ctx ends, with a *mongoerr.Error as its cause, when the client hangs up
	// (ClientDisconnect) or the server stops (InterruptedAtShutdown).
	Handle(ctx context.Context, m *wire.Message, dst []byte) Reply

	// Disconnect is called once, after the last message.
	Disconnect()
}

// Reply is what a handler has to say.
type Reply struct {
	// Doc is dst with the reply's document appended, or nil for none at all.
	Doc []byte

	// More asks to have the same message handled again for the next reply of a
	// stream. It counts only if the message allows exhaust.
	More bool

	// Close ends the connection, after the reply if there is one.
	Close bool

	// Waited says that the reply had to wait for the disk.
	Waited bool
}
