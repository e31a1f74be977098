package history

import (
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"sync"
)

// Proxy stands between clients and a server, and loses replies: the server has done
// what it was asked to, and the client sees its connection end.
type Proxy struct {
	listener net.Listener
	target   string
	lose     func(command string, n int) bool

	wg sync.WaitGroup

	deciding sync.Mutex // guards seen, and is held while lose is asked; mu may be taken within.
	seen     map[string]int

	mu     sync.Mutex // guards all below; a leaf.
	lost   map[string]int
	conns  map[net.Conn]bool
	closed bool
}

// NewProxy forwards to target, an address that may have no listener at times. lose
// decides for the n-th reply (from 1) to commands of one name; it is called by one
// connection at a time, and what it does is done before the client knows.
func NewProxy(target string, lose func(command string, n int) bool) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, lose: lose, seen: map[string]int{}, lost: map[string]int{}, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Lost is how many replies were lost, by command.
func (p *Proxy) Lost() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.lost)
}

// Close ends all connections.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.listener.Close()
	for c := range p.conns {
		c.Close() // whoever uses it sees the error.
	}
	p.mu.Unlock()
	p.wg.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		l := &link{p: p, client: client, server: server, asked: map[uint32]string{}}
		p.wg.Go(l.requests)
		p.wg.Go(l.replies)
	}
}

// keep remembers connections for Close; it closes them if that has been called.
func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.closed {
			c.Close()
			continue
		}
		p.conns[c] = true
	}
	return !p.closed
}

// link is a client's connection and the one to the server behind it.
type link struct {
	p              *Proxy
	client, server net.Conn

	mu    sync.Mutex
	asked map[uint32]string // commands under way by request id.
}

// end closes both sides. Both directions come here.
func (l *link) end() {
	l.client.Close()
	l.server.Close()
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	delete(l.p.conns, l.client)
	delete(l.p.conns, l.server)
}

func (l *link) requests() {
	defer l.end()
	for {
		m, err := readMessage(l.client)
		if err != nil {
			return
		}
		if name := commandName(m); name != "" {
			l.mu.Lock()
			l.asked[binary.LittleEndian.Uint32(m[4:])] = name
			l.mu.Unlock()
		}
		if _, err := l.server.Write(m); err != nil {
			return
		}
	}
}

func (l *link) replies() {
	defer l.end()
	for {
		m, err := readMessage(l.server)
		if err != nil {
			return
		}
		to := binary.LittleEndian.Uint32(m[8:])
		l.mu.Lock()
		name := l.asked[to]
		delete(l.asked, to)
		l.mu.Unlock()
		if name != "" && l.p.loses(name) {
			return
		}
		if _, err := l.client.Write(m); err != nil {
			return
		}
	}
}

func (p *Proxy) loses(name string) bool {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	p.seen[name]++
	if !p.lose(name, p.seen[name]) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost[name]++
	return true
}

const (
	headerBytes  = 16
	messageMax   = 48_000_000
	opMsg        = 2013
	checksumFlag = 1
)

// errFrame is for what is no message.
var errFrame = errors.New("history: not a message")

func readMessage(r io.Reader) ([]byte, error) {
	var head [headerBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < headerBytes || n > messageMax {
		return nil, errFrame
	}
	m := make([]byte, n)
	copy(m, head[:])
	_, err := io.ReadFull(r, m[headerBytes:])
	return m, err
}

// commandName is the first field's name in an OP_MSG's document; "" if there is none.
func commandName(m []byte) string {
	if binary.LittleEndian.Uint32(m[12:]) != opMsg || len(m) < headerBytes+4 {
		return ""
	}
	end := len(m)
	if binary.LittleEndian.Uint32(m[headerBytes:])&checksumFlag != 0 {
		end -= 4
	}
	for at := headerBytes + 4; at+5 <= end; {
		kind, size := m[at], int(binary.LittleEndian.Uint32(m[at+1:]))
		if kind != 0 {
			at += 1 + size
			continue
		}
		for name := at + 6; name < end; name++ {
			if m[name] == 0 {
				return string(m[at+6 : name])
			}
		}
		return ""
	}
	return ""
}
