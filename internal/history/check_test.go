package history

import (
	"bytes"
	"reflect"
	"testing"
)

// TestCheck judges histories made by hand: one or more of each class, and their
// harmless neighbours. The second verdict is that under serializable, if it differs.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, text, want, serializable string }{
		{"nothing happened", ``, "", ""},
		{"one after the other", `
			1 rx[] ax1 ry[] ay2 @1,2,3,4
			2 rx[1] ry[2] ax3 @5,6,7,8
			3 rx[1,3] ry[2] @9,10,11,12`, "", ""},
		{"side by side on different keys", `
			1 rx[] ax1 @1,3,5,7
			2 ry[] ay2 @2,4,6,8
			3 rx[1] ry[2] @9,10,11,12`, "", ""},
		{"an old snapshot is no anomaly while its writer is under way", `
			1 rx[] ax1 @1,2,5,9
			2 rx[] @3,4,10,11
			3 rx[1] @6,7,8,12`, "", ""},

		{"G0: interleaved writes", `
			1 ax1 ay2
			2 ax3 ay4
			3 rx[1,3] ry[4,2]`, "G0", "G0"},
		{"G0: within one key", `
			1 ax1 ax2
			2 ax3
			3 rx[1,3,2]`, "G0", "G0"},
		{"G0 against real time", `
			1 ax1 @1,2,3,4
			2 ax2 @5,6,7,8
			3 rx[2,1]`, "G0-realtime", "G0-realtime"},
		{"G1a: an aborted append", `
			1! ax1
			2 rx[1]`, "G1a", "G1a"},
		{"G1a: an aborted register, read by a transaction that aborted as well", `
			1! w:x1
			2! r:x=1/1`, "G1a, applied twice", "G1a, applied twice"},
		{"an abort that nobody saw", `
			1! rx[] ax1 rx[1]
			2 rx[] ax2
			3 rx[2]`, "", ""},
		{"G1b: half of two appends", `
			1 ax1 ax2
			2 rx[1]
			3 rx[1,2]`, "G1b, G-single", "G1b, G-single"},
		{"G1b: a register that is written twice", `
			1 w:x1 w:x2
			2 r:x=1/1
			3 r:x=2/2`, "G1b, G-single", "G1b, G-single"},
		{"G1c: each sees the other", `
			1 ax1 ry[2]
			2 ay2 rx[1]`, "G1c", "G1c"},
		{"G1c through three", `
			1 ax1 rz[3]
			2 rx[1] ay2
			3 ry[2] az3`, "G1c", "G1c"},
		{"G1c against real time: read before the commit was asked for", `
			1 ax1 @1,2,7,8
			2 rx[1] @3,4,5,6`, "G1c-realtime", ""},
		{"lost update: two appends to one version", `
			1 rx[] ax1
			2 rx[] ax2
			3 rx[1,2]`, "lost update", "lost update"},
		{"lost update: two registers", `
			1 r:x w:x1
			2 r:x w:x2
			3 r:x=1/2`, "lost update", "lost update"},
		{"lost update: nobody looks, and two counters say the same", `
			1 i:x=1
			2 i:x=1`, "lost update", "lost update"},
		{"lost update: far from the beginning", `
			1 r:x=7/9 w:x1
			2 r:x=7/9 w:x2
			3 w:x9`, "applied twice, applied twice, lost update", "applied twice, applied twice, lost update"},
		{"one of two lost updates is aborted", `
			1 rx[] ax1
			2! rx[] ax2
			3 rx[1]`, "", ""},
		{"G-single: read skew", `
			1 ax1 ay2
			2 rx[1] ry[]`, "G-single", "G-single"},
		{"G-single: a reader that aborted", `
			1 ax1 ay2
			2! rx[1] ry[]`, "G-single", "G-single"},
		{"G-single: not the first committer wins", `
			1 rx[] ax1 ay1
			2 rx[] ry[1]
			3 rx[1]`, "G-single", "G-single"},
		{"G-single against real time: a stale read", `
			1 ax1 @1,2,3,4
			2 rx[] @5,6,7,8
			3 rx[1]`, "G-single-realtime", "G-single-realtime"},
		{"what was seen is gone", `
			1? ax1 @1,2,3
			2 rx[1] @4,5,6,7
			3 rx[] @8,9,10,11`, "G-single-realtime", "G-single-realtime"},
		{"an acknowledged append is lost", `
			1 ax1 @1,2,3,4
			2 ax2 @5,6,7,8
			3 rx[2] @9,10,11,12`, "G0-realtime", "G0-realtime"},
		{"an acknowledged append is lost, and everything with it", `
			1 ax1 @1,2,3,4
			2 rx[] @9,10,11,12`, "G-single-realtime", "G-single-realtime"},
		{"an acknowledged increment is lost", `
			1 i:x @1,2,3,4
			2 i:x @5,6,7,8
			3 r:x=1 @9,10,11,12`, "lost write", "lost write"},
		{"an increment too many", `
			1 i:x @1,2,3,4
			2! i:x @1,2
			3? i:x @1,2,3
			4 i:x @13,14,15,16
			5 r:x=3 @9,10,11,12`, "applied twice", "applied twice"},
		{"the snapshot was taken at the first statement", `
			1 ay1 @1,2,9,10
			2 ax1 @3,4,5,6
			3 rx[1] ry[] @7,8,11,12
			4 ry[1] rx[1] @13,14,15,16`, "", ""},
		{"the snapshot was taken later", `
			1 rz[] rx[1] @1,2,7,8
			2 ax1 @3,4,5,6`, "G1c-realtime", ""},
		{"G-SIb: two readers see two writers in two orders", `
			1 ax1
			2 ay2
			3 rx[1] ry[]
			4 rx[] ry[2]`, "G-SIb", "G-SIb"},
		{"write skew", `
			1 rx[] ry[] ax1
			2 rx[] ry[] ay2
			3 rx[1] ry[2]`, "", "write skew"},
		{"write skew of which one is serializable", `
			1s rx[] ry[] ax1
			2 rx[] ry[] ay2
			3 rx[1] ry[2]`, "", "write skew"},
		{"write skew of which both are", `
			1s rx[] ry[] ax1
			2s rx[] ry[] ay2
			3 rx[1] ry[2]`, "write skew", "write skew"},
		{"G2: write skew of three", `
			1 rx[] ay1
			2 ry[] az2
			3 rz[] ax3
			4 rx[3] ry[1] rz[2]`, "", "G2"},
		{"the anomaly of read-only transactions", `
			1 rx[] ry[] ax1 @1,2,9,10
			2 ry[] ay2 @3,4,5,6
			3 rx[] ry[2] @7,8,11,12
			4 rx[1] ry[2]`, "", "G2"},

		{"internal: its own append is not there", `1 ax1 rx[]`, "internal", "internal"},
		{"internal: its own append is there before", `1 rx[1] ax1`, "internal", "internal"},
		{"internal: read twice", `
			1 ax1
			2 rx[] rx[1]`, "internal", "internal"},
		{"internal: others' append behind its own", `
			1 ax1
			2 ax2 rx[2,1]`, "internal", "internal"},
		{"internal: a register", `1 w:x1 r:x=1/2
			2 w:x2`, "internal", "internal"},
		{"internal: a counter that forgot its own", `1 i:x i:x r:x=1`, "internal", "internal"},
		{"own writes on top", `
			1 ax1 @1,2,3,4
			2 rx[1] ax2 rx[1,2] ax3 rx[1,2,3] @5,6,7,8
			3 r:c w:c1 r:c=1/1 w:c2 r:c=2/2 @5,6,7,8
			4 i:n=1 r:n=1 i:n=2 @5,6,7,8
			5 rx[1,2,3] r:c=2/2 r:n=2 @9,10,11,12`, "", ""},

		{"a value from nowhere", `1 rx[7]`, "unwritten value", "unwritten value"},
		{"applied twice: an append", `
			1 ax1
			2 rx[1,1]`, "applied twice", "applied twice"},
		{"applied twice: a register", `
			1 w:x1
			2 w:x2
			3 w:x3
			4 r:x=1/1
			5 r:x=3/1`, "applied twice", "applied twice"},
		{"incompatible order", `
			1 ax1
			2 ax2
			3 rx[1]
			4 rx[2,1]`, "incompatible order", "incompatible order"},
		{"incompatible order: a register", `
			1 w:x1
			2 w:x2
			3 r:x=1/1
			4 r:x=1/2`, "incompatible order", "incompatible order"},

		{"unknown and seen is committed", `
			1? ax1 ay2
			2 rx[1] ry[]`, "G-single", "G-single"},
		{"unknown and not seen is nothing", `
			1? ax1 ay2 @1,2,3
			2 rx[] ry[] @4,5,6,7`, "", ""},
		{"unknown, and committed long after", `
			1? ax1 ay2 @1,2,3
			2 rx[] ry[] @4,5,6,7
			3 rx[1] ry[2] @8,9,10,11`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			txns := parse(t, c.text)
			for _, l := range []struct {
				level Level
				want  string
			}{{Snapshot, c.want}, {Serializable, c.serializable}} {
				found, err := Check(txns, l.level)
				if err != nil {
					t.Fatal(err)
				}
				if got := classes(found); got != l.want {
					t.Errorf("%s: %q, want %q", l.level, got, l.want)
				}
				for _, a := range found {
					t.Logf("%s: %v", l.level, a)
				}
			}
		})
	}
}

// TestSaved has a history judged, saved, loaded and judged again.
func TestSaved(t *testing.T) {
	txns := parse(t, `
		1 rx[] ax1 @1,2,3,4
		2? r:c=2/7 i:n=3 @5,6,7
		3s! rx[1] @8`)
	txns[1].Ops[0].Money = 12
	var b bytes.Buffer
	if err := Encode(&b, txns); err != nil {
		t.Fatal(err)
	}
	again, err := Decode(&b)
	if err != nil || !reflect.DeepEqual(again, txns) {
		t.Errorf("%v\n%s\n%s", err, dump(txns), dump(again))
	}
	if _, err := Decode(bytes.NewBufferString(`{"id":1}{"id":`)); err == nil {
		t.Error("half a history was loaded")
	}
}

// TestNoHistory: a value that is written twice names no version.
func TestNoHistory(t *testing.T) {
	if _, err := Check(parse(t, "1 ax1\n2 ax1"), Snapshot); err == nil {
		t.Error("it was judged")
	}
}
