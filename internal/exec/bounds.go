package exec

import (
	"bytes"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/plan"
)

// byteRange is an interval of encoded values: lo <= key, and key < hi unless hi is nil.
type byteRange struct{ lo, hi []byte }

// bounds are a scan's, as bytes.
type bounds struct {
	fields []fieldBounds
	outer  docstore.Bounds
	never  bool // they hold nothing.
	exact  bool // outer says it all: no key within needs checking.
	seek   []byte
}

type fieldBounds struct {
	desc   bool
	ranges []byteRange // ascending, in the order of keys.
}

// encodeBounds turns sets of values into ranges of keys.
func encodeBounds(fields []catalog.Field, sets []plan.Set, reverse bool) bounds {
	b := bounds{outer: docstore.Bounds{Reverse: reverse}, exact: true}
	for i, f := range fields {
		fb := fieldBounds{desc: f.Desc, ranges: encodeSet(sets[i], f.Desc)}
		b.never = b.never || len(fb.ranges) == 0
		b.fields = append(b.fields, fb)
	}
	if b.never {
		return b
	}
	var prefix []byte
	at := 0
	for at < len(sets) && len(sets[at]) == 1 && sets[at][0].Point() {
		prefix = append(prefix, b.fields[at].ranges[0].lo...)
		at++
	}
	lower, upper := prefix, keyenc.Successor(prefix)
	if at < len(sets) {
		ranges := b.fields[at].ranges
		lower = slices.Concat(prefix, ranges[0].lo)
		if hi := ranges[len(ranges)-1].hi; hi != nil {
			upper = slices.Concat(prefix, hi)
		}
		b.exact = len(ranges) == 1
		for _, s := range sets[at+1:] {
			b.exact = b.exact && s.Full()
		}
	}
	b.outer.Lower, b.outer.Upper = lower, upper
	if len(b.outer.Lower) == 0 {
		b.outer.Lower = nil
	}
	if len(b.outer.Upper) == 0 {
		b.outer.Upper = nil
	}
	return b
}

func encodeSet(s plan.Set, desc bool) []byteRange {
	out := make([]byteRange, 0, len(s))
	for _, iv := range s {
		r := byteRange{encodeEnd(iv.Lo, !iv.LoIn, desc), encodeEnd(iv.Hi, iv.HiIn, desc)}
		if desc {
			r = byteRange{encodeEnd(iv.Hi, !iv.HiIn, desc), encodeEnd(iv.Lo, iv.LoIn, desc)}
		}
		if iv.Full() {
			r = byteRange{}
		}
		out = append(out, r)
	}
	if desc {
		slices.Reverse(out)
	}
	return out
}

// encodeEnd is where the keys of a value begin, or, if past is set, where they have ended.
func encodeEnd(v bsonx.Value, past, desc bool) []byte {
	key := keyenc.Append(nil, v, desc)
	if past {
		return keyenc.Successor(key)
	}
	return key
}

// verdict is what is to be done about a key.
type verdict uint8

const (
	within verdict = iota
	beyond         // nothing that follows is within.
	skipTo         // go on at bounds.seek.
	broken         // the key cannot be read.
)

// judge tells whether the fields of a key are within the bounds, or where the next
// key is that may be.
func (b *bounds) judge(key []byte) verdict {
	start := 0
	for i := range b.fields {
		f := &b.fields[i]
		rest, err := keyenc.Skip(key[start:], f.desc)
		if err != nil {
			return broken
		}
		end := len(key) - len(rest)
		v := b.judgeField(i, f, key[:start], key[start:end])
		if v != within {
			return v
		}
		start = end
	}
	return within
}

func (b *bounds) judgeField(i int, f *fieldBounds, before, field []byte) verdict {
	if b.outer.Reverse {
		return b.judgeBackward(i, f, before, field)
	}
	// The first range that does not end before the field.
	j, _ := slices.BinarySearchFunc(f.ranges, field, func(r byteRange, field []byte) int {
		if r.hi != nil && bytes.Compare(r.hi, field) <= 0 {
			return -1
		}
		return 1
	})
	switch {
	case j < len(f.ranges) && bytes.Compare(f.ranges[j].lo, field) <= 0:
		return within
	case j < len(f.ranges):
		b.seek = append(append(b.seek[:0], before...), f.ranges[j].lo...)
		return skipTo
	case i == 0:
		return beyond
	}
	next := keyenc.Successor(before)
	if next == nil {
		return beyond
	}
	b.seek = append(b.seek[:0], next...)
	return skipTo
}

func (b *bounds) judgeBackward(i int, f *fieldBounds, before, field []byte) verdict {
	// The last range that begins at or before the field.
	j, _ := slices.BinarySearchFunc(f.ranges, field, func(r byteRange, field []byte) int {
		if bytes.Compare(r.lo, field) <= 0 {
			return -1
		}
		return 1
	})
	j--
	switch {
	case j >= 0 && (f.ranges[j].hi == nil || bytes.Compare(field, f.ranges[j].hi) < 0):
		return within
	case j >= 0:
		b.seek = append(append(b.seek[:0], before...), f.ranges[j].hi...)
		return skipTo
	case i == 0:
		return beyond
	}
	b.seek = append(b.seek[:0], before...)
	return skipTo
}

// ahead tells whether the place to go on at lies past a key, in the scan's direction.
func (b *bounds) ahead(key []byte) bool {
	if b.outer.Reverse {
		return bytes.Compare(b.seek, key) < 0
	}
	return bytes.Compare(b.seek, key) > 0
}
