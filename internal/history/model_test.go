package history

import "fmt"

// move is what one of two transactions does next: an operation on a key, or its end.
type move struct {
	kind byte // r, w, i(nsert), d(elete), c(ommit) or a(bort).
	key  int
}

// String is the notation of the tests: rx, wy, c.
func (m move) String() string {
	if m.kind == 'c' || m.kind == 'a' {
		return string(m.kind)
	}
	return string(m.kind) + string("xy"[m.key])
}

// cell is the value of a key; 0 is no document.
type cell int

// model is snapshot isolation, of two transactions on two keys: a claim at the
// write, a conflict for who comes second, and a transaction that fails is over.
//
// Under serializable a commit that writes fails if what the transaction has read, and
// not claimed, was committed since.
type model struct {
	level     Level
	now       int
	value     [2]cell
	committed [2]int // when each key was.
	claim     [2]int // the transaction that claims it, or -1.
	txns      [2]modelTxn
}

type modelTxn struct {
	begun, over bool
	snapshot    [2]cell
	at          int
	own         [2]cell
	wrote, read [2]bool
}

func newModel(level Level, x, y cell) model {
	return model{level: level, value: [2]cell{x, y}, claim: [2]int{-1, -1}}
}

// Replies are what commands say, in brief.
const (
	done        = "ok"
	conflict    = "112"
	duplicate   = "11000"
	noSuch      = "251"
	nothing     = "none"
	noneMatched = "n=0"
	oneMatched  = "n=1"
	valueFormat = "v=%d"
)

// do runs a move of transaction t, which writes value if it writes.
func (m *model) do(t int, mv move, value cell) string {
	x := &m.txns[t]
	if x.over {
		return noSuch
	}
	if !x.begun {
		x.begun, x.snapshot, x.at = true, m.value, m.now
	}
	sees := x.snapshot[mv.key]
	if x.wrote[mv.key] {
		sees = x.own[mv.key]
	}
	switch mv.kind {
	case 'r':
		x.read[mv.key] = true
		if sees == 0 {
			return nothing
		}
		return fmt.Sprintf(valueFormat, sees)
	case 'w', 'd':
		x.read[mv.key] = true
		if sees == 0 {
			return noneMatched
		}
		if mv.kind == 'd' {
			value = 0
		}
		return m.write(t, mv.key, value)
	case 'i':
		if sees != 0 {
			m.end(t, false)
			return duplicate
		}
		return m.write(t, mv.key, value)
	case 'c':
		if m.level == Serializable && m.outdated(t) {
			m.end(t, false)
			return conflict
		}
		m.end(t, true)
		return done
	default:
		m.end(t, false)
		return done
	}
}

// outdated tells whether t writes, and something that it has read is not so any more.
func (m *model) outdated(t int) bool {
	x, outdated := &m.txns[t], false
	for key := range x.read {
		outdated = outdated || x.read[key] && m.committed[key] > x.at
	}
	return outdated && (x.wrote[0] || x.wrote[1])
}

func (m *model) write(t, key int, value cell) string {
	x := &m.txns[t]
	if m.claim[key] == 1-t || m.claim[key] < 0 && m.committed[key] > x.at {
		m.end(t, false)
		return conflict
	}
	m.claim[key] = t
	x.own[key], x.wrote[key] = value, true
	return oneMatched
}

// end releases what t claims; what it has written becomes everybody's at one time.
func (m *model) end(t int, commit bool) {
	m.txns[t].over = true
	m.now++
	for key := range m.claim {
		if m.claim[key] != t {
			continue
		}
		m.claim[key] = -1
		if commit {
			m.value[key], m.committed[key] = m.txns[t].own[key], m.now
		}
	}
}
