package kvtest

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/kv"
)

func between(lo, hi string) kv.Range { return kv.Range{Lower: []byte(lo), Upper: []byte(hi)} }

func reversed(r kv.Range) kv.Range {
	r.Reverse = true
	return r
}

// mixed is a transaction over a b c d e f that has deleted b and f, changed c and
// e, and added 0, bb and g.
func mixed(h *house) txn {
	h.put("a=1", "b=1", "c=1", "d=1", "e=1", "f=1")
	tx := h.begin("")
	tx.put("b", "f", "c=2", "e=2", "0=2", "bb=2", "g=2")
	return tx
}

var scanCases = []testCase{
	{"bounds", func(h *house) {
		h.put("a=1", "b=1", "c=1", "d=1")
		tx := h.begin("")
		tx.wantBoth(kv.Range{}, "a=1", "b=1", "c=1", "d=1")
		tx.wantBoth(between("b", "d"), "b=1", "c=1")
		tx.wantBoth(between("bb", "z"), "c=1", "d=1")
		tx.wantBoth(kv.Range{Lower: []byte("c")}, "c=1", "d=1")
		tx.wantBoth(kv.Range{Upper: []byte("c")}, "a=1", "b=1")
		tx.wantBoth(between("b", "b"))
		tx.wantBoth(between("x", "z"))
	}},
	{"own writes are merged in", func(h *house) {
		tx := mixed(h)
		tx.wantBoth(kv.Range{}, "0=2", "a=1", "bb=2", "c=2", "d=1", "e=2", "g=2")
		tx.wantBoth(between("b", "e"), "bb=2", "c=2", "d=1")
		tx.wantBoth(between("c", "c\x00"), "c=2")
		tx.wantBoth(between("f", "g"))
		tx.commit()
		h.begin("").wantBoth(kv.Range{}, "0=2", "a=1", "bb=2", "c=2", "d=1", "e=2", "g=2")
	}},
	{"only own writes", func(h *house) {
		tx := h.begin("")
		tx.put("b=1", "a=1", "c=1", "b")
		tx.wantBoth(kv.Range{}, "a=1", "c=1")
	}},
	{"all is deleted", func(h *house) {
		h.put("a=1", "b=1", "c=1")
		tx := h.begin("")
		tx.put("a", "b", "c")
		tx.wantBoth(kv.Range{})
	}},
	{"seek", func(h *house) {
		tx := mixed(h)
		it := tx.open(kv.Range{})
		wantSeek(h, it, "b", "bb=2")
		wantSeek(h, it, "c", "c=2")
		wantSeek(h, it, "a", "c=2") // in the direction of the scan only.
		wantSeek(h, it, "c", "c=2")
		wantNext(h, it, "d=1")
		wantSeek(h, it, "f", "g=2")
		wantNext(h, it, "")
		wantSeek(h, it, "a", "")
		noErr(h, it.Close())
	}},
	{"seek backward", func(h *house) {
		tx := mixed(h)
		it := tx.open(reversed(kv.Range{}))
		wantSeek(h, it, "f", "e=2")
		wantSeek(h, it, "g", "e=2")
		wantSeek(h, it, "d", "d=1")
		wantNext(h, it, "c=2")
		wantSeek(h, it, "b", "a=1")
		wantNext(h, it, "0=2")
		wantNext(h, it, "")
		noErr(h, it.Close())
	}},
	{"seek stays within the bounds", func(h *house) {
		tx := mixed(h)
		it := tx.open(between("bb", "e"))
		wantSeek(h, it, "", "bb=2")
		wantSeek(h, it, "e", "")
		noErr(h, it.Close())
		it = tx.open(reversed(between("bb", "e")))
		wantSeek(h, it, "z", "d=1")
		wantSeek(h, it, "bb", "bb=2")
		wantSeek(h, it, "a", "")
		noErr(h, it.Close())
	}},
	{"a scan sees the writes before it, and none after", func(h *house) {
		h.put("a=1", "b=1", "c=1", "d=1")
		for _, reverse := range []bool{false, true} {
			tx := h.begin("")
			tx.put("b=2", "e=2")
			it := tx.open(kv.Range{Reverse: reverse})
			tx.put("0=3", "a=3", "b=3", "c", "d=3", "e=3", "f=3", "bb=3")
			got := rest(h, it)
			if reverse {
				slices.Reverse(got)
			}
			if want := []string{"a=1", "b=2", "c=1", "d=1", "e=2"}; !slices.Equal(got, want) {
				h.Fatalf("got %v, want %v", got, want)
			}
			noErr(h, it.Close())
			tx.wantBoth(kv.Range{}, "0=3", "a=3", "b=3", "bb=3", "d=3", "e=3", "f=3")
			tx.Rollback()
		}
	}},
	{"deleting and rewriting behind a scan", func(h *house) {
		tx := h.begin("")
		for i := range 100 {
			tx.put(key(i) + "=1")
		}
		it := tx.open(kv.Range{})
		n := 0
		for it.Next() {
			k := string(it.Key())
			tx.put(k)
			tx.put(k+"=2", k+"x=2")
			n++
		}
		noErr(h, it.Err())
		noErr(h, it.Close())
		if n != 100 {
			h.Fatalf("passed %d keys, want 100", n)
		}
	}},
	{"keys only", func(h *house) {
		tx := mixed(h)
		it := tx.open(kv.Range{KeysOnly: true})
		var got []string
		for it.Next() {
			got = append(got, string(it.Key()))
		}
		noErr(h, it.Close())
		if want := []string{"0", "a", "bb", "c", "d", "e", "g"}; !slices.Equal(got, want) {
			h.Fatalf("got %v, want %v", got, want)
		}
	}},
	{"several at once", func(h *house) {
		tx := mixed(h)
		a, b := tx.open(kv.Range{}), tx.open(reversed(kv.Range{}))
		wantNext(h, a, "0=2")
		wantNext(h, b, "g=2")
		wantNext(h, a, "a=1")
		noErr(h, a.Close())
		wantNext(h, b, "e=2")
		noErr(h, b.Close())
	}},
	{"the transaction's end ends it", func(h *house) {
		h.put("a=1", "b=1")
		for _, end := range []func(tx txn){
			func(tx txn) { tx.commit() },
			func(tx txn) { tx.Rollback() },
			func(tx txn) { tx.refresh() },
		} {
			tx := h.begin("")
			it := tx.open(kv.Range{})
			wantNext(h, it, "a=1")
			end(tx)
			if it.Next() {
				h.Fatal("an iterator outlived its transaction")
			}
			wantErr(h, it.Err(), kv.ErrClosed)
			noErr(h, it.Close())
		}
	}},
	{"its context ends it", func(h *house) {
		tx := h.begin("")
		for i := range 2000 {
			tx.put(key(i) + "=1")
		}
		ctx, cancel := context.WithCancel(h.ctx)
		defer cancel()
		it, err := tx.Scan(ctx, kv.Range{})
		noErr(h, err)
		n := 0
		for it.Next() {
			if n++; n == 10 {
				cancel()
			}
		}
		wantErr(h, it.Err(), context.Canceled)
		if n == 2000 {
			h.Fatal("the scan went on to its end")
		}
		noErr(h, it.Close())
	}},
	{"what a savepoint undoes is not scanned", func(h *house) {
		h.put("a=1", "b=1")
		tx := h.begin("")
		tx.put("a=2")
		at := tx.Savepoint()
		tx.put("a=3", "b", "c=3", "0=3")
		tx.RollbackTo(at)
		tx.wantBoth(kv.Range{}, "a=2", "b=1")
		tx.put("c=4")
		tx.wantBoth(kv.Range{}, "a=2", "b=1", "c=4")
	}},
}

func wantNext(h *house, it kv.Iterator, want string) {
	h.Helper()
	wantAt(h, it, it.Next(), want)
}

func wantSeek(h *house, it kv.Iterator, to, want string) {
	h.Helper()
	wantAt(h, it, it.Seek([]byte(to)), want)
}

// wantAt checks where it stands; "" is the end.
func wantAt(h *house, it kv.Iterator, ok bool, want string) {
	h.Helper()
	got := ""
	if ok {
		got = string(it.Key()) + "=" + string(it.Value())
	}
	noErr(h, it.Err())
	if got != want {
		h.Fatalf("the iterator stands at %q, want %q", got, want)
	}
}
