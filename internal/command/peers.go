package command

import (
	"sync"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/session"
)

// peers are the open connections, for those who list them. What a connection says
// of itself it says in its first hello.
type peers struct {
	mu  sync.Mutex // guards all; a leaf.
	all map[int64]peerInfo
}

// peerInfo is what others may know of a connection.
type peerInfo struct {
	remote, appName string
	metadata        bsonx.Doc
}

// Connect notes a new connection. Without it, it works but is not listed.
func (d *Dispatcher) Connect(p *Peer) { d.peers.put(p) }

// Disconnect forgets a connection.
func (d *Dispatcher) Disconnect(p *Peer) {
	d.peers.mu.Lock()
	defer d.peers.mu.Unlock()
	delete(d.peers.all, p.ID)
}

// put notes what a connection says of itself.
func (ps *peers) put(p *Peer) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.all == nil {
		ps.all = map[int64]peerInfo{}
	}
	ps.all[p.ID] = peerInfo{p.Remote, p.AppName, p.Metadata}
}

// list copies what is known.
func (ps *peers) list() map[int64]peerInfo {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make(map[int64]peerInfo, len(ps.all))
	for id, p := range ps.all {
		out[id] = p
	}
	return out
}

// client is the connection as sessions remember it.
func (p *Peer) client() session.Client {
	return session.Client{Conn: p.ID, Remote: p.Remote, AppName: p.AppName, Metadata: p.Metadata}
}
