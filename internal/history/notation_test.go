package history

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// parse reads a history in the short notation of the tests, a transaction a line:
//
//	1 rx[1,2] ax3           committed; x was read as [1 2], then 3 appended to it
//	2 r:c=4 w:c9 i:n i:n=3  registers and counters have a colon: c was read as written
//	                        4 times, 9 written to it, n incremented, and again to 3
//	3 r:c=4/9               c was read as written 4 times, the last one 9
//	4! ax4                  aborted
//	5? ax5                  of unknown outcome
//	6s ax6                  serializable
//	7 ax7 @2,3,5,6          begin, first answer, commit, end
func parse(t testing.TB, text string) (txns []Txn) {
	t.Helper()
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		x := Txn{Outcome: Committed}
		head := strings.TrimRight(words[0], "!?s")
		switch words[0][len(head):] {
		case "!":
			x.Outcome = Aborted
		case "?":
			x.Outcome = Unknown
		case "s":
			x.Level = Serializable
		}
		x.ID = int(number(t, head))
		for _, word := range words[1:] {
			if at, ok := strings.CutPrefix(word, "@"); ok {
				places := []*int64{&x.Begin, &x.First, &x.Commit, &x.End}
				for i, n := range strings.Split(at, ",") {
					*places[i] = number(t, n)
				}
				continue
			}
			x.Ops = append(x.Ops, parseOp(t, word))
		}
		txns = append(txns, x)
	}
	return txns
}

var (
	listOp = regexp.MustCompile(`^([ra])([a-z])(?:\[([\d,]*)\]|(\d+))$`)
	regOp  = regexp.MustCompile(`^([rwi]):([a-z])(\d+)?(?:=(\d+))?(?:/(\d+))?$`)
)

func parseOp(t testing.TB, word string) Op {
	t.Helper()
	if m := listOp.FindStringSubmatch(word); m != nil {
		if m[1] == "a" {
			return Op{Kind: Append, Key: m[2], Value: number(t, m[4])}
		}
		op := Op{Kind: Read, Key: m[2]}
		for _, v := range strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' }) {
			op.List = append(op.List, number(t, v))
		}
		return op
	}
	m := regOp.FindStringSubmatch(word)
	if m == nil {
		t.Fatalf("%q is no operation", word)
	}
	op := Op{Kind: map[string]Kind{"r": Read, "w": Write, "i": Inc}[m[1]], Key: m[2]}
	op.Value, op.N = number(t, m[3]+m[5]), number(t, m[4])
	return op
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// classes are the names of what was found, in order.
func classes(found []Anomaly) string {
	var names []string
	for _, a := range found {
		names = append(names, string(a.Class))
	}
	return strings.Join(names, ", ")
}

func dump(txns []Txn) string {
	var b strings.Builder
	for _, t := range txns {
		fmt.Fprintf(&b, "%+v\n", t)
	}
	return b.String()
}
