package kvtest

import "github.com/pandodb/pando/internal/kv"

// stretches are scans of the keys b, d, f and h, and of what other keys a
// transaction that made the scan must hear, and of which it must not.
var stretches = []struct {
	name         string
	scan         kv.Range
	do           func(h *house, it kv.Iterator)
	read, unread []string
}{
	{"not begun", rg("a", "z"), func(*house, kv.Iterator) {}, nil, []string{"a", "b", "c", "y"}},
	{"to its end", rg("c", "g"), toEnd, []string{"c", "d", "e", "f", "ff"}, []string{"b", "bb", "g", "h"}},
	{"to its end, open", rg("", ""), toEnd, []string{"a", "d", "z"}, nil},
	{"back to its end", backwards(rg("c", "g")), toEnd, []string{"c", "d", "ff"}, []string{"b", "bb", "g"}},
	{"back to its end, open", backwards(rg("", "")), toEnd, []string{"a", "d", "z"}, nil},
	{"two steps", rg("a", "z"), steps(2), []string{"a", "b", "c", "d"}, []string{"d0", "e", "f", "z"}},
	{"two steps back", backwards(rg("a", "g")), steps(2), []string{"ff", "f", "e", "d"}, []string{"g", "c", "cc", "b"}},
	{"two steps back from an open end", backwards(rg("", "")), steps(2), []string{"z", "h", "g", "f"}, []string{"ez", "e"}},
	{"from a place", rg("a", "z"), func(h *house, it kv.Iterator) {
		seek(h, it, "e", "f")
	}, []string{"e", "ee", "f"}, []string{"b", "d", "f0", "g"}},
	{"from place to place", rg("a", "z"), func(h *house, it kv.Iterator) {
		next(h, it, 1)
		seek(h, it, "e", "f")
		seek(h, it, "ff", "h")
	}, []string{"a", "b", "e", "f", "ff", "g", "h"}, []string{"b0", "d", "f0", "h0"}},
	{"back from place to place", backwards(rg("a", "z")), func(h *house, it kv.Iterator) {
		next(h, it, 1)
		seek(h, it, "f", "f")
		seek(h, it, "c", "b")
	}, []string{"y", "h", "f", "c", "bb", "b"}, []string{"g", "f0", "e", "d", "c0", "ab"}},
	{"a place behind the last", rg("a", "z"), func(h *house, it kv.Iterator) {
		if it.Seek([]byte("i")) {
			h.Fatalf("found %s", it.Key())
		}
	}, []string{"i", "y"}, []string{"h", "h0", "z"}},
	{"a place before the range", rg("c", "z"), func(h *house, it kv.Iterator) {
		seek(h, it, "a", "d")
	}, []string{"c", "d"}, []string{"a", "b", "e"}},
	{"a place behind the range", rg("a", "c"), func(h *house, it kv.Iterator) {
		if it.Seek([]byte("e")) {
			h.Fatalf("found %s", it.Key())
		}
	}, nil, []string{"b", "c", "e", "f"}},
	{"a place passed already", rg("a", "z"), func(h *house, it kv.Iterator) {
		next(h, it, 2)
		seek(h, it, "b", "d")
	}, []string{"a", "d"}, []string{"e"}},
	{"keys only", kv.Range{Lower: []byte("a"), Upper: []byte("z"), KeysOnly: true}, steps(1), []string{"b"}, []string{"c"}},
}

func toEnd(h *house, it kv.Iterator) { rest(h, it) }

func steps(n int) func(*house, kv.Iterator) {
	return func(h *house, it kv.Iterator) { next(h, it, n) }
}

func seek(h *house, it kv.Iterator, to, want string) {
	h.Helper()
	if !it.Seek([]byte(to)) || string(it.Key()) != want {
		h.Fatalf("seek %s stands at %q, want %s", to, it.Key(), want)
	}
}

var serialScanCases = []testCase{
	{"ranges count as far as they were read", func(h *house) {
		for _, s := range stretches {
			h.put("b=1", "d=1", "f=1", "h=1")
			for _, k := range s.read {
				h.afterScan(s.scan, s.do, k, true)
			}
			for _, k := range s.unread {
				h.afterScan(s.scan, s.do, k, false)
			}
			if h.Failed() {
				h.Fatalf("the scan is one %s", s.name)
			}
		}
	}},
	{"own writes in a range", func(h *house) {
		h.put("b=1", "d=1")
		x := h.serial("x")
		x.put("a=x", "c=x", "d")
		x.wantBoth(rg("a", "f"), "a=x", "b=1", "c=x")
		h.put("e=1") // behind the last, within the range.
		x.loses("e")
	}},
	{"own writes: the scan ends at one", func(h *house) {
		h.put("b=1", "f=1")
		x := h.serial("x")
		x.put("c=x", "d=x")
		it := x.open(rg("b", "z"))
		next(h, it, 2) // c; what lies behind it on disk is not shown yet.
		h.put("cc=1", "f=2")
		noErr(h, it.Close())
		x.commit()
	}},
	{"a key that was deleted here hides what it passes", func(h *house) {
		h.put("b=1", "d=1", "f=1")
		x := h.serial("x")
		x.put("b", "d")
		it := x.open(rg("a", "z"))
		next(h, it, 1)
		h.put("c=1")
		noErr(h, it.Close())
		x.loses("c")
	}},
	{"scans that are open at the commit", func(h *house) {
		h.put("b=1", "d=1")
		x := h.serial("x")
		it := x.open(rg("a", "z"))
		next(h, it, 1)
		x.put("q=1")
		h.put("a=1")
		x.loses("a")
	}},
}

// afterScan has a transaction scan and write something, while k is written.
func (h *house) afterScan(r kv.Range, do func(*house, kv.Iterator), k string, loses bool) {
	h.Helper()
	x := h.serial("x")
	it := x.open(r)
	do(h, it)
	noErr(h, it.Close())
	x.put("zz") // a deletion, which leaves no key for the next.
	u := h.begin("u")
	u.set(k, "2")
	u.commit()
	_, err := x.Commit(h.ctx)
	if c, lost := asConflict(err); lost != loses || lost && !c.Read || !lost && err != nil {
		h.Errorf("scan %q to %q, reverse %v, while %q was written: %v", r.Lower, r.Upper, r.Reverse, k, err)
	}
	// As it was.
	u = h.begin("u")
	switch k {
	case "b", "d", "f", "h":
	default:
		noErr(h, u.Delete([]byte(k)))
	}
	u.commit()
}
