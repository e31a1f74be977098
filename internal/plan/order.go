package plan

import (
	"slices"

	"github.com/pandodb/pando/internal/query"
)

// mergeMax is how many scans are merged at most.
const mergeMax = 100

// order sees whether scanning the index gives the order of the sort: at once, or
// by one scan for each of the values that the first fields are bounded to.
func (c *candidate) order(sort []query.SortField) {
	if len(sort) == 0 || c.flags.Long() || c.never() {
		return
	}
	if c.reverse, c.sorted = c.ordered(sort, c.points); c.sorted {
		return
	}
	points, scans := c.points, 1
	for points < len(c.bounds) && c.bounds[points].Points() && scans*len(c.bounds[points]) <= mergeMax {
		scans *= len(c.bounds[points])
		points++
	}
	if scans == 1 {
		return
	}
	if c.reverse, c.sorted = c.ordered(sort, points); c.sorted {
		c.points, c.merged = points, true
	}
}

// ordered tells whether the entries stand in the order of the sort, if the first
// points fields have one value, and whether backwards.
func (c *candidate) ordered(sort []query.SortField, points int) (reverse, ok bool) {
	field, dir := 0, 0
	for _, s := range sort {
		if at := c.fieldAt(s.Path); at >= 0 && at < points {
			// A field of one value has no say, unless documents have more values
			// than that one, or the value is another in each scan.
			if c.flags.Multikey(at) || len(c.bounds[at]) != 1 {
				return false, false
			}
			continue
		}
		field = max(field, points)
		if field == len(c.bounds) || c.index.Fields[field].Path != s.Path || !c.firstDecides(field) {
			return false, false
		}
		d := 1
		if c.index.Fields[field].Desc != s.Desc {
			d = -1
		}
		if dir != 0 && d != dir {
			return false, false
		}
		dir = d
		field++
	}
	return dir < 0, true
}

// firstDecides tells whether the first entry met of a document is the one that the
// document sorts by. With arrays it is so only if no array field is bounded; and a
// sparse index has no entry for the elements without the field.
func (c *candidate) firstDecides(field int) bool {
	if !c.flags.Multikey(field) {
		return true
	}
	for i, s := range c.bounds {
		if c.flags.Multikey(i) && !s.Full() {
			return false
		}
	}
	return !c.index.Sparse
}

// combinations are the bounds of the scans to be merged.
func (c *candidate) combinations() [][]Set {
	all := [][]Set{slices.Clone(c.bounds)}
	for i := range c.points {
		var next [][]Set
		for _, b := range all {
			for _, iv := range c.bounds[i] {
				one := slices.Clone(b)
				one[i] = Set{iv}
				next = append(next, one)
			}
		}
		all = next
	}
	return all
}
