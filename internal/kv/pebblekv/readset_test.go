package pebblekv

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestReadSet adds keys and ranges in any order and asks for keys: within the
// limit the answers are exact; over it nothing that was read is missed, and the
// limit is kept.
func TestReadSet(t *testing.T) {
	key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 3)
	rapid.Check(t, func(r *rapid.T) {
		set := readSet{bytesMax: rapid.SampledFrom([]int{300, 1000, 1 << 20}).Draw(r, "bytesMax")}
		var added []span
		size := 0
		for range rapid.IntRange(1, 300).Draw(r, "reads") {
			k := key.Draw(r, "key")
			if rapid.Bool().Draw(r, "range") {
				s := span{k, key.Draw(r, "to")}
				if rapid.IntRange(0, 20).Draw(r, "open") == 0 {
					s.hi = nil
				}
				set.add(s)
				added = append(added, s)
				size += s.size()
				continue
			}
			set.key(k)
			added = append(added, span{k, after(k)})
			size += 2*len(k) + 1 + spanBytes
		}
		exact := size <= set.bytesMax
		for range 20 {
			k := key.Draw(r, "written")
			want := false
			for _, s := range added {
				want = want || s.has(k)
			}
			set.settle()
			got := bytes.Equal(set.hit([][]byte{k}), k)
			if got != want && (exact || want) {
				r.Fatalf("%q: hit is %v, want %v", k, got, want)
			}
			if meets := set.meets(k, after(k)); meets != got {
				r.Fatalf("%q: meets is %v, and hit %v", k, meets, got)
			}
		}
		checkReadSet(r, &set)
	})
}

// checkReadSet looks at a set that is settled.
func checkReadSet(t rapid.TB, set *readSet) {
	size := 0
	for i, s := range set.spans {
		size += s.size()
		if i > 0 && set.spans[i-1].reaches(s.lo) {
			t.Fatalf("span %d touches the one before", i)
		}
	}
	if size != set.bytes || len(set.spans) > 1 && size > set.bytesMax {
		t.Fatalf("%d bytes, counted %d, of at most %d", size, set.bytes, set.bytesMax)
	}
}

// TestReadSetMany reads far more keys of two indexes than are kept one by one:
// what lies between the indexes, and at their ends, still counts as not read.
func TestReadSetMany(t *testing.T) {
	set := readSet{bytesMax: 32 << 10}
	name := func(index, i int) []byte { return fmt.Appendf(nil, "index%d/%06d", index, i) }
	for i := range 10_000 {
		set.key(name(i%2+1, i*7919%10_000+1000))
	}
	set.settle()
	checkReadSet(t, &set)
	if len(set.spans) < 50 {
		t.Errorf("all is one: %d spans", len(set.spans))
	}
	for _, c := range []struct {
		index, i int
		want     bool
	}{{1, 999, false}, {1, 1000, true}, {1, 5000, true}, {1, 11_001, false}, {2, 0, false}, {2, 5001, true}, {2, 12_000, false}, {3, 5000, false}} {
		if got := set.hit([][]byte{name(c.index, c.i)}) != nil; got != c.want {
			t.Errorf("%s: hit is %v", name(c.index, c.i), got)
		}
	}
	all := make([][]byte, 0, 20_000)
	for i := range cap(all) {
		all = append(all, name(0, i))
	}
	if k := set.hit(all); k != nil {
		t.Errorf("many keys below all: hit %s", k)
	}
	if k := set.hit(append(all, name(2, 5001))); !bytes.Equal(k, name(2, 5001)) {
		t.Errorf("many keys: hit %s", k)
	}
}
