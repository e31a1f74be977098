package history

import (
	"math"
	"slices"
	"sort"
)

// place is which of a transaction's two points a point is.
type place byte

const (
	snapshotPoint place = iota
	commitPoint
	bothPoints
)

// point is a moment of a transaction, somewhere between two places in real time.
type point struct {
	txn    int
	place  place
	lo, hi int64
}

const never = math.MaxInt64

// edgeKind is why one point is before another.
type edgeKind byte

const (
	ww edgeKind = iota
	wr
	rw
	rt
	inner // a snapshot and its own commit, and the chain of real time.
	edgeKinds
)

// String is the kind as Adya writes it.
func (k edgeKind) String() string { return [...]string{"ww", "wr", "rw", "rt", "inner"}[k] }

// step is an edge between two points, and what it is told by.
type step struct {
	from, to int
	kind     edgeKind
	key      string
	saw      int64 // how many writes the reader saw.
}

// graph is the points and what orders them. Nodes from len(points) on are moments
// of real time, in order: an edge from each to the next spares one between any two
// points of which the first was over when the second was asked for.
type graph struct {
	points []point
	out    [][]step

	snapshot, commit []int // of each transaction: its points, or -1.
}

// graph builds the graph.
func (h *history) graph() *graph {
	g := &graph{snapshot: make([]int, len(h.txns)), commit: make([]int, len(h.txns))}
	for t := range h.txns {
		h.addPoints(g, t)
	}
	g.addTime()
	for t := range h.txns {
		if s, c := g.snapshot[t], g.commit[t]; s >= 0 && c >= 0 && s != c {
			g.add(step{from: s, to: c, kind: inner})
		}
	}
	views := map[*key][]seenBy{}
	for t, all := range h.reads {
		for _, v := range all {
			views[v.key] = append(views[v.key], seenBy{v, t})
		}
	}
	for _, name := range h.names {
		k := h.keys[name]
		h.addEdges(g, k, views[k])
	}
	return g
}

// addPoints gives a transaction its points: two, or one under serializable; only
// its snapshot if its writes do not count.
func (h *history) addPoints(g *graph, t int) {
	g.snapshot[t], g.commit[t] = -1, -1
	x := h.txns[t]
	add := func(p place, lo, hi int64) int {
		g.points = append(g.points, point{txn: t, place: p, lo: lo, hi: hi})
		return len(g.points) - 1
	}
	done := x.End
	if done == 0 {
		done = never
	}
	switch {
	case !h.in[t] && len(h.reads[t]) == 0:
	case !h.in[t]:
		g.snapshot[t] = add(snapshotPoint, x.Begin, h.mustHaveRead(t))
	case h.levelOf(t) == Serializable:
		g.snapshot[t] = add(bothPoints, x.Begin, done)
		g.commit[t] = g.snapshot[t]
	default:
		g.snapshot[t] = add(snapshotPoint, x.Begin, h.mustHaveRead(t))
		g.commit[t] = add(commitPoint, h.mayAppear(t), done)
	}
}

// addTime adds the moments at which something was asked for.
func (g *graph) addTime() {
	moments := make([]int64, 0, len(g.points))
	for _, p := range g.points {
		moments = append(moments, p.lo)
	}
	slices.Sort(moments)
	moments = slices.Compact(moments)
	n := len(g.points)
	g.out = make([][]step, n+len(moments))
	for i := 1; i < len(moments); i++ {
		g.add(step{from: n + i - 1, to: n + i, kind: inner})
	}
	for i, p := range g.points {
		at, _ := slices.BinarySearch(moments, p.lo)
		g.add(step{from: n + at, to: i, kind: inner})
		if p.hi == never {
			continue
		}
		if next, _ := slices.BinarySearch(moments, p.hi+1); next < len(moments) {
			g.add(step{from: i, to: n + next, kind: rt})
		}
	}
}

func (g *graph) add(s step) { g.out[s.from] = append(g.out[s.from], s) }

// addEdges adds what the versions of one key tell.
func (h *history) addEdges(g *graph, k *key, views []seenBy) {
	known := make([]int64, 0, len(k.at))
	for pos := range k.at {
		known = append(known, pos)
	}
	slices.Sort(known)
	writer := func(pos int64) int { return k.writes[k.at[pos]].txn }
	follow := func(a, b int) {
		if a != b {
			g.add(step{from: g.commit[a], to: g.snapshot[b], kind: ww, key: k.name})
		}
	}
	precede := func(v seenBy, b int) {
		if v.txn != b {
			g.add(step{from: g.snapshot[v.txn], to: g.commit[b], kind: rw, key: k.name, saw: v.n})
		}
	}
	for i := 1; i < len(known); i++ {
		follow(writer(known[i-1]), writer(known[i]))
	}
	for _, p := range k.contested {
		follow(p.winner, p.loser)
	}
	// Writes of unknown place come after every version that is known without a gap.
	whole := int64(0)
	for int(whole) < len(known) && known[whole] == whole+1 {
		whole++
	}
	unread := h.unread(k)
	for _, t := range unread {
		if whole > 0 {
			follow(writer(whole), t)
		}
	}
	for _, v := range views {
		next := sort.Search(len(known), func(i int) bool { return known[i] > v.n })
		if next > 0 {
			if a := writer(known[next-1]); a != v.txn {
				g.add(step{from: g.commit[a], to: g.snapshot[v.txn], kind: wr, key: k.name, saw: v.n})
			}
		}
		for _, pos := range known[next:] {
			if b := writer(pos); b != v.txn {
				precede(v, b)
				break
			}
		}
		if v.n == whole {
			for _, t := range unread {
				precede(v, t)
			}
		}
	}
}

// unread are the transactions whose writes to a key count and have no known place.
func (h *history) unread(k *key) (txns []int) {
	for _, w := range k.writes {
		if w.pos == 0 && h.in[w.txn] && !slices.Contains(txns, w.txn) {
			txns = append(txns, w.txn)
		}
	}
	return txns
}
