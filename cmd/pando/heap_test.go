package main

import "testing"

func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 64 << 20: 400, 128 << 20: 200, 256 << 20: 100, 8 << 30: 100} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MB: %d", live>>20, got)
		}
	}
}

// TestQuiet has memory given back once after each burst, and not while it lasts.
func TestQuiet(t *testing.T) {
	const mb = 1 << 20
	var q quiet
	for i, p := range []struct {
		spent uint64
		want  bool
	}{{5, false}, {300, false}, {20, false}, {1, true}, {1, false}, {16, false}, {16, false}, {16, false}, {16, true}, {500, false}, {0, true}, {0, false}} {
		if got := q.after(q.last + p.spent*mb); got != p.want {
			t.Errorf("period %d: %v", i, got)
		}
	}
}
