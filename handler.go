package pando

import (
	"context"

	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/server"
	"github.com/pandodb/pando/internal/wire"
)

// handler has the dispatcher serve the listener's connections.
type handler struct{ commands *command.Dispatcher }

// Connect makes the state that commands keep of a connection.
func (h handler) Connect(p server.Peer) server.Client {
	c := &client{h.commands, command.Peer{ID: p.ID, Remote: p.Remote, Local: p.Local}}
	c.commands.Connect(&c.peer)
	return c
}

// client is one connection.
type client struct {
	commands *command.Dispatcher
	peer     command.Peer
}

// Handle runs one message.
func (c *client) Handle(ctx context.Context, m *wire.Message, dst []byte) server.Reply {
	req := command.Request{Body: m.Body, NoReply: !m.WantsReply(), Exhaust: m.Flags&wire.ExhaustAllowed != 0}
	for _, s := range m.Sequences {
		req.Sequences = append(req.Sequences, command.Sequence{Name: s.ID, Docs: s.Docs})
	}
	r := c.commands.Run(ctx, &c.peer, req, dst)
	return server.Reply{Doc: r.Reply, More: r.More, Close: r.Close, Waited: r.Waited}
}

// Disconnect undoes nothing: sessions and their transactions outlive connections.
func (c *client) Disconnect() { c.commands.Disconnect(&c.peer) }
