package history

import (
	"fmt"
	"slices"
	"strings"
)

// Class names an anomaly, in the words of Adya and of Cerone and Gotsman.
type Class string

// Cycles, by the edges that they are made of.
const (
	G0         Class = "G0"          // ww only: writes of two transactions are interleaved.
	G1c        Class = "G1c"         // ww and wr: each saw what the other did.
	LostUpdate Class = "lost update" // both read one version of a key and wrote the next.
	GSingle    Class = "G-single"    // one rw: a part of another's effects was seen (read skew).
	GSIb       Class = "G-SIb"       // several rw, no two in a row: snapshots in no one order.
	WriteSkew  Class = "write skew"  // two rw in a row between two: allowed under snapshot isolation.
	G2         Class = "G2"          // other cycles with rw in a row: allowed as well.
)

// What is seen without a cycle.
const (
	G1a          Class = "G1a"      // a read of what was aborted.
	G1b          Class = "G1b"      // a read of what its writer overwrote itself.
	Internal     Class = "internal" // a transaction does not see its own writes, or reads twice and differently.
	Unwritten    Class = "unwritten value"
	AppliedTwice Class = "applied twice"
	OutOfOrder   Class = "incompatible order" // two reads of one key that are no prefix of each other.
	LostWrite    Class = "lost write"         // fewer writes are there than were acknowledged.
	Money        Class = "money"              // a bank that has lost or made some.
)

// realTime ends the name of a cycle that real-time order has a part in.
const realTime = "-realtime"

// Anomaly is one contradiction.
type Anomaly struct {
	Class Class
	Txns  []int // the transactions' IDs.
	Text  string
}

// String tells all of it.
func (a Anomaly) String() string { return fmt.Sprintf("%s: %s", a.Class, a.Text) }

// Base is the class without the mark of real-time order.
func (c Class) Base() Class { return Class(strings.TrimSuffix(string(c), realTime)) }

// Check returns what cannot have happened if every transaction ran at the level,
// or at one of its own; nothing is returned if something can. The error is for a
// history that is none.
func Check(txns []Txn, level Level) ([]Anomaly, error) {
	h, err := newHistory(txns, level)
	if err != nil {
		return nil, err
	}
	h.readAll()
	h.settleUnknown()
	h.orderVersions()
	h.countWrites()
	g := h.graph()
	for _, cycle := range g.cycles() {
		h.found = append(h.found, h.describe(g, cycle))
	}
	return h.found, nil
}

// history is a history under examination.
type history struct {
	txns  []Txn
	level Level
	keys  map[string]*key
	names []string // of keys, sorted.
	reads [][]view // of each transaction, what it saw of others' writes.
	in    []bool   // transactions whose writes count.
	found []Anomaly
}

func (h *history) report(c Class, text string, txns ...int) {
	ids := make([]int, 0, len(txns))
	for _, t := range txns {
		ids = append(ids, h.txns[t].ID)
	}
	h.found = append(h.found, Anomaly{Class: c, Txns: ids, Text: text})
}

// name is a transaction in explanations.
func (h *history) name(t int) string { return fmt.Sprintf("T%d", h.txns[t].ID) }

func (h *history) levelOf(t int) Level {
	if l := h.txns[t].Level; l != "" {
		return l
	}
	return h.level
}

// describe names a cycle and tells its steps.
func (h *history) describe(g *graph, cycle []step) Anomaly {
	a := Anomaly{Class: classify(cycle)}
	lines := make([]string, 0, len(cycle))
	for _, s := range cycle {
		from, to := g.points[s.from].txn, g.points[s.to].txn
		if id := h.txns[from].ID; !slices.Contains(a.Txns, id) {
			a.Txns = append(a.Txns, id)
		}
		lines = append(lines, fmt.Sprintf("%s -%s-> %s: %s", h.name(from), s.kind, h.name(to), h.because(g, s)))
	}
	a.Text = strings.Join(lines, "; ")
	return a
}

// because says what a step of a cycle follows from.
func (h *history) because(g *graph, s step) string {
	from, to := g.points[s.from], g.points[s.to]
	a, b := h.name(from.txn), h.name(to.txn)
	switch s.kind {
	case ww:
		return fmt.Sprintf("in %s, %s's writes come after %s's", s.key, b, a)
	case wr:
		return fmt.Sprintf("%s saw %d writes of %s, %s's among them", b, s.saw, s.key, a)
	case rw:
		return fmt.Sprintf("%s saw %d writes of %s, and %s's came after those", a, s.saw, s.key, b)
	}
	did := map[place]string{snapshotPoint: "had been answered", commitPoint: "had ended", bothPoints: "had ended"}
	next := map[place]string{snapshotPoint: "began", commitPoint: "asked for its commit", bothPoints: "began"}
	return fmt.Sprintf("%s %s (%d) before %s %s (%d)", a, did[from.place], from.hi, b, next[to.place], to.lo)
}

// classify names a cycle by its edges.
func classify(cycle []step) Class {
	var n [edgeKinds]int
	adjacent, oneKey := false, true
	for i, s := range cycle {
		n[s.kind]++
		last := cycle[(i+len(cycle)-1)%len(cycle)]
		adjacent = adjacent || s.kind == rw && last.kind == rw && len(cycle) > 1
		if s.kind != rt {
			oneKey = oneKey && s.key == cycle[0].key
		}
	}
	var c Class
	switch {
	case n[rw] == 0 && n[wr] == 0:
		c = G0
	case n[rw] == 0:
		c = G1c
	case n[rw] == 1 && n[ww] == 1 && len(cycle) == 2 && oneKey:
		c = LostUpdate
	case n[rw] == 1:
		c = GSingle
	case !adjacent:
		c = GSIb
	case n[rw] == 2 && len(cycle) == 2:
		c = WriteSkew
	default:
		c = G2
	}
	if n[rt] > 0 {
		c += realTime
	}
	return c
}
