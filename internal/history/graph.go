package history

import (
	"container/heap"
	"slices"
)

// cycles returns one shortest cycle of each strongly connected component.
func (g *graph) cycles() (all [][]step) {
	component := g.components()
	size := map[int]int{}
	for _, c := range component {
		size[c]++
	}
	best := map[int]int64{}
	found := map[int][]step{}
	tried := map[int]int{}
	for p := range g.points {
		c := component[p]
		// A component of thousands is tried from some of its points only.
		if size[c] < 2 || tried[c] > searchMax/size[c] {
			continue
		}
		tried[c]++
		cycle, cost := g.shortest(p, component)
		if _, ok := best[c]; !ok || cost < best[c] {
			best[c], found[c] = cost, cycle
		}
	}
	for p := range g.points { // in the order of the history.
		if cycle, ok := found[component[p]]; ok {
			all = append(all, g.plain(cycle))
			delete(found, component[p])
		}
	}
	return all
}

// searchMax bounds the nodes that are looked at in one component.
const searchMax = 1_000_000

// cost prefers cycles with few rw edges, then those without real time, then short ones.
func cost(k edgeKind) int64 {
	return [...]int64{ww: 1, wr: 2, rw: 1 << 40, rt: 1 << 20, inner: 0}[k]
}

// components numbers the strongly connected components (Tarjan).
func (g *graph) components() []int {
	n := len(g.out)
	component, low, index := make([]int, n), make([]int, n), make([]int, n)
	var stack []int
	next, count := 1, 0
	var visit func(v int)
	visit = func(v int) {
		index[v], low[v] = next, next
		next++
		stack = append(stack, v)
		for _, s := range g.out[v] {
			if index[s.to] == 0 {
				visit(s.to)
				low[v] = min(low[v], low[s.to])
			} else if component[s.to] == 0 {
				low[v] = min(low[v], index[s.to])
			}
		}
		if low[v] != index[v] {
			return
		}
		count++
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			component[w] = count
			if w == v {
				return
			}
		}
	}
	for v := range n {
		if index[v] == 0 {
			visit(v)
		}
	}
	return component
}

// shortest finds the cheapest cycle through a node of a component (Dijkstra).
func (g *graph) shortest(start int, component []int) ([]step, int64) {
	dist := map[int]int64{}
	via := map[int]step{}
	q := &queue{{start, 0}}
	for q.Len() > 0 {
		at := heap.Pop(q).(entry)
		if at.node == start && at.cost > 0 {
			break
		}
		if d, ok := dist[at.node]; ok && d < at.cost {
			continue
		}
		for _, s := range g.out[at.node] {
			if component[s.to] != component[start] {
				continue
			}
			d := at.cost + cost(s.kind)
			if old, ok := dist[s.to]; !ok || d < old {
				dist[s.to], via[s.to] = d, s
				heap.Push(q, entry{s.to, d})
			}
		}
	}
	var cycle []step
	for node := start; ; {
		s := via[node]
		cycle = append(cycle, s)
		if node = s.from; node == start {
			slices.Reverse(cycle)
			return cycle, dist[start]
		}
	}
}

// plain leaves out what is inside a transaction, and makes one step of a way
// through real time.
func (g *graph) plain(cycle []step) (steps []step) {
	for i := 0; i < len(cycle); i++ {
		s := cycle[i]
		if s.kind == rt {
			for s.to >= len(g.points) {
				i++
				s.to = cycle[i].to
			}
			if g.points[s.from].txn == g.points[s.to].txn {
				continue
			}
		}
		if s.kind != inner {
			steps = append(steps, s)
		}
	}
	return steps
}

type entry struct {
	node int
	cost int64
}

// queue is a heap of the nodes to go on from.
type queue []entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].cost < q[j].cost }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(entry)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
