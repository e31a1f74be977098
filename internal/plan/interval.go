package plan

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
)

// Interval is a range of values in BSON order.
type Interval struct {
	Lo, Hi     bsonx.Value
	LoIn, HiIn bool // the end itself belongs to the interval.
}

// Point tells whether the interval is a single value.
func (iv Interval) Point() bool { return iv.LoIn && iv.HiIn && bsonx.Equal(iv.Lo, iv.Hi) }

// Full tells whether the interval is everything.
func (iv Interval) Full() bool {
	return iv.LoIn && iv.HiIn && iv.Lo.Type == bsonx.TypeMinKey && iv.Hi.Type == bsonx.TypeMaxKey
}

func (iv Interval) empty() bool {
	c := bsonx.Compare(iv.Lo, iv.Hi)
	return c > 0 || c == 0 && !(iv.LoIn && iv.HiIn)
}

// Set is a union of intervals: ascending, and no two of them meet.
type Set []Interval

var (
	minKey = bsonx.Value{Type: bsonx.TypeMinKey}
	maxKey = bsonx.Value{Type: bsonx.TypeMaxKey}
)

// everything is the set of all values.
func everything() Set { return Set{{Lo: minKey, Hi: maxKey, LoIn: true, HiIn: true}} }

// Point is the set of one value.
func Point(v bsonx.Value) Set { return point(v) }

func point(v bsonx.Value) Set { return Set{{Lo: v, Hi: v, LoIn: true, HiIn: true}} }

func between(lo bsonx.Value, loIn bool, hi bsonx.Value, hiIn bool) Set {
	iv := Interval{Lo: lo, Hi: hi, LoIn: loIn, HiIn: hiIn}
	if iv.empty() {
		return Set{}
	}
	return Set{iv}
}

// Full tells whether the set is everything.
func (s Set) Full() bool { return len(s) == 1 && s[0].Full() }

// Points tells whether the set is of single values only.
func (s Set) Points() bool {
	for _, iv := range s {
		if !iv.Point() {
			return false
		}
	}
	return true
}

// has tells whether v is in the set.
func (s Set) has(v bsonx.Value) bool { return len(s.intersect(point(v))) > 0 }

// compareLo orders intervals by where they begin.
func compareLo(a, b Interval) int {
	if c := bsonx.Compare(a.Lo, b.Lo); c != 0 {
		return c
	}
	return flag(b.LoIn) - flag(a.LoIn)
}

// compareHi orders intervals by where they end.
func compareHi(a, b Interval) int {
	if c := bsonx.Compare(a.Hi, b.Hi); c != 0 {
		return c
	}
	return flag(a.HiIn) - flag(b.HiIn)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// meets tells whether nothing lies between a's end and b's beginning, a being first.
func meets(a, b Interval) bool {
	c := bsonx.Compare(a.Hi, b.Lo)
	return c > 0 || c == 0 && (a.HiIn || b.LoIn)
}

// union of the sets.
func union(sets ...Set) Set {
	var all Set
	for _, s := range sets {
		all = append(all, s...)
	}
	if len(all) < 2 {
		return all
	}
	slices.SortFunc(all, compareLo)
	out := all[:1]
	for _, iv := range all[1:] {
		last := &out[len(out)-1]
		switch {
		case !meets(*last, iv):
			out = append(out, iv)
		case compareHi(*last, iv) < 0:
			last.Hi, last.HiIn = iv.Hi, iv.HiIn
		}
	}
	return out
}

func (s Set) intersect(o Set) Set {
	out := Set{}
	for i, j := 0, 0; i < len(s) && j < len(o); {
		iv := Interval{Lo: s[i].Lo, LoIn: s[i].LoIn, Hi: s[i].Hi, HiIn: s[i].HiIn}
		if compareLo(s[i], o[j]) < 0 {
			iv.Lo, iv.LoIn = o[j].Lo, o[j].LoIn
		}
		if compareHi(s[i], o[j]) > 0 {
			iv.Hi, iv.HiIn = o[j].Hi, o[j].HiIn
		}
		if !iv.empty() {
			out = append(out, iv)
		}
		if compareHi(s[i], o[j]) < 0 {
			i++
		} else {
			j++
		}
	}
	return out
}

// complement is every value that is not in s.
func (s Set) complement() Set {
	out := Set{}
	lo, loIn := minKey, true
	for _, iv := range s {
		out = append(out, between(lo, loIn, iv.Lo, !iv.LoIn)...)
		lo, loIn = iv.Hi, !iv.HiIn
	}
	return append(out, between(lo, loIn, maxKey, true)...)
}
