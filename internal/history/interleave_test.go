package history

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/testenv"
)

// schedule is one interleaving of two transactions, with what the model answers.
type schedule struct {
	level   Level
	initial [2]cell
	steps   []scheduled
	final   [2]cell
}

type scheduled struct {
	txn  int
	move move
	want string
}

func (s *schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, x=%d y=%d:", s.level, s.initial[0], s.initial[1])
	for _, st := range s.steps {
		fmt.Fprintf(&b, " %d:%s=%s", st.txn+1, st.move, st.want)
	}
	return b.String()
}

// valueOf is what the n-th step of a schedule writes.
func valueOf(n int) cell { return cell(10 + n) }

// programs are all sequences of up to n of the moves, with each of the ends.
func programs(moves []move, n int, ends string) (all [][]move) {
	var grow func(prefix []move)
	grow = func(prefix []move) {
		for i := range ends {
			if len(prefix) > 0 {
				all = append(all, append(prefix[:len(prefix):len(prefix)], move{kind: ends[i]}))
			}
		}
		if len(prefix) == n {
			return
		}
		for _, m := range moves {
			grow(append(prefix[:len(prefix):len(prefix)], m))
		}
	}
	grow(nil)
	return all
}

func moves(kinds string) (all []move) {
	for i := range kinds {
		for key := range 2 {
			all = append(all, move{kinds[i], key})
		}
	}
	return all
}

// interleave calls visit with every interleaving of two programs. A transaction
// that the model ends before its program does is asked for its end all the same.
func interleave(level Level, initial [2]cell, a, b []move, visit func(*schedule) bool) bool {
	var grow func(m model, left [2][]move, steps []scheduled) bool
	grow = func(m model, left [2][]move, steps []scheduled) bool {
		if len(left[0])+len(left[1]) == 0 {
			return visit(&schedule{level: level, initial: initial, steps: steps, final: m.value})
		}
		for t := range 2 {
			if len(left[t]) == 0 {
				continue
			}
			next, rest, mv := m, left, left[t][0]
			was := next.txns[t].over
			want := next.do(t, mv, valueOf(len(steps)))
			rest[t] = rest[t][1:]
			if !was && next.txns[t].over && len(rest[t]) > 0 {
				rest[t] = rest[t][len(rest[t])-1:]
			}
			if !grow(next, rest, append(steps[:len(steps):len(steps)], scheduled{t, mv, want})) {
				return false
			}
		}
		return true
	}
	return grow(newModel(level, initial[0], initial[1]), [2][]move{a, b}, nil)
}

// everySchedule calls visit with every schedule of this test: those of up to three
// reads and writes of which one begins with x and which commit, and those of up to
// two reads, writes, inserts and deletes that commit or abort, where y is not there
// at first. The transactions' names do not matter, so each pair comes once.
func everySchedule(level Level, visit func(*schedule) bool) {
	three := programs(moves("rw"), 3, "c")
	two := programs(moves("rwid"), 2, "ca")
	for i, a := range three {
		for _, b := range three[i:] {
			if a[0].key == 0 && !interleave(level, [2]cell{1, 2}, a, b, visit) {
				return
			}
		}
	}
	for i, a := range two {
		for _, b := range two[i:] {
			if !interleave(level, [2]cell{1, 0}, a, b, visit) {
				return
			}
		}
	}
}

// performer runs schedules against a server, two sessions at a time.
type performer struct {
	door door
	coll string
	lsid [2][16]byte
	txn  int64
	n    int
}

// docsAtOnce is how many schedules' documents are made with one command.
const docsAtOnce = 500

// prepare makes the documents of some schedules.
func (p *performer) prepare(some []*schedule) error {
	b := bsonx.NewBuilder(nil)
	b.String("insert", p.coll)
	b.OpenArray("documents")
	i := 0
	for n, s := range some {
		for key, v := range s.initial {
			if v != 0 {
				appendDoc(b, bsonx.Index(i), p.id(n, key), v)
				i++
			}
		}
	}
	b.Close()
	made, err := p.ask(b, "n")
	if err == nil && made != fmt.Sprintf("n=%d", i) {
		err = fmt.Errorf("the documents were not made: %s", made)
	}
	return err
}

func (p *performer) id(n, key int) string { return fmt.Sprintf("%s%d", "xy"[key:key+1], p.n+n) }

func appendDoc(b *bsonx.Builder, field, id string, v cell) {
	b.OpenDoc(field)
	b.String("_id", id)
	b.Int32("v", int32(v))
	b.Close()
}

// perform runs the n-th of the prepared schedules; the error says where the server
// and the model part.
func (p *performer) perform(n int, s *schedule) error {
	p.txn++
	var started [2]bool
	for i, st := range s.steps {
		b := bsonx.NewBuilder(nil)
		p.command(b, p.id(n, st.move.key), st.move, valueOf(i))
		b.OpenDoc("lsid")
		b.Binary("id", 4, p.lsid[st.txn][:])
		b.Close()
		b.Int64("txnNumber", p.txn)
		b.Bool("autocommit", false)
		if !started[st.txn] {
			started[st.txn] = true
			b.Bool("startTransaction", true)
			if s.level == Serializable {
				b.OpenDoc("readConcern")
				b.String("level", string(s.level))
				b.Close()
			}
		}
		got, err := p.ask(b, fieldOf(st.move.kind))
		if err != nil {
			return err
		}
		if got != st.want {
			return fmt.Errorf("%v: step %d is answered %s", s, i+1, got)
		}
	}
	for key, want := range s.final {
		b := bsonx.NewBuilder(nil)
		p.command(b, p.id(n, key), move{'r', key}, 0)
		got, err := p.ask(b, "cursor")
		if err != nil {
			return err
		}
		if m := (&model{txns: [2]modelTxn{{begun: true, snapshot: s.final}}}); got != m.do(0, move{'r', key}, 0) {
			return fmt.Errorf("%v: in the end %s is %s, not %d", s, "xy"[key:key+1], got, want)
		}
	}
	return nil
}

// command writes a move's command.
func (p *performer) command(b *bsonx.Builder, id string, mv move, value cell) {
	one := func(array, query string, more func()) {
		b.OpenArray(array)
		b.OpenDoc("0")
		b.OpenDoc(query)
		b.String("_id", id)
		b.Close()
		more()
		b.Close()
		b.Close()
	}
	switch mv.kind {
	case 'r':
		b.String("find", p.coll)
		b.OpenDoc("filter")
		b.String("_id", id)
		b.Close()
	case 'w':
		b.String("update", p.coll)
		one("updates", "q", func() {
			b.OpenDoc("u")
			b.OpenDoc("$set")
			b.Int32("v", int32(value))
			b.Close()
			b.Close()
		})
	case 'i':
		b.String("insert", p.coll)
		b.OpenArray("documents")
		appendDoc(b, "0", id, value)
		b.Close()
	case 'd':
		b.String("delete", p.coll)
		one("deletes", "q", func() { b.Int32("limit", 1) })
	case 'c', 'a':
		b.Int32(map[byte]string{'c': "commitTransaction", 'a': "abortTransaction"}[mv.kind], 1)
		b.OpenDoc("writeConcern") // durability is another test's.
		b.Int32("w", 1)
		b.Close()
	}
}

func fieldOf(kind byte) string {
	switch kind {
	case 'r':
		return "cursor"
	case 'c', 'a':
		return "ok"
	}
	return "n"
}

// ask sends a command and tells its answer as the model does: by an error's code,
// or by a field of the reply.
func (p *performer) ask(b *bsonx.Builder, field string) (string, error) {
	db := "interleave"
	if field == "ok" {
		if name, _ := bsonx.First(b.Buffer()); strings.HasSuffix(name, "Transaction") {
			db = "admin"
		}
	}
	b.String("$db", db)
	reply, err := p.door(b.Doc())
	if err != nil {
		return "", err
	}
	if bsonx.AsDouble(bsonx.Get(reply, "ok")) == 0 {
		return fmt.Sprint(bsonx.AsInt32(bsonx.Get(reply, "code"))), nil
	}
	if errs := bsonx.Get(reply, "writeErrors"); errs.Type == bsonx.TypeArray {
		_, first := bsonx.First(bsonx.AsDoc(errs))
		return fmt.Sprint(bsonx.AsInt32(bsonx.Get(bsonx.AsDoc(first), "code"))), nil
	}
	switch v := bsonx.Get(reply, field); field {
	case "ok":
		return done, nil
	case "n":
		return fmt.Sprintf("n=%d", bsonx.AsInt32(v)), nil
	default:
		batch := bsonx.AsDoc(bsonx.Get(bsonx.AsDoc(v), "firstBatch"))
		if bsonx.Len(batch) == 0 {
			return nothing, nil
		}
		_, first := bsonx.First(batch)
		return fmt.Sprintf(valueFormat, bsonx.AsInt32(bsonx.Get(bsonx.AsDoc(first), "v"))), nil
	}
}

// runSchedules has so many performers run what pick chooses, and returns how many there were.
func runSchedules(t *testing.T, doors []door, level Level, pick func(n int) bool) int {
	t.Helper()
	batches := make(chan []*schedule)
	var wg sync.WaitGroup
	var failed atomic.Bool
	dice := env.System() // a server remembers sessions from one run to the next.
	for i, d := range doors {
		p := &performer{door: d, coll: fmt.Sprintf("c%d", i), lsid: [2][16]byte{dice.UUID(), dice.UUID()}}
		wg.Go(func() {
			for some := range batches {
				if failed.Load() {
					continue
				}
				if err := p.batch(some); err != nil {
					failed.Store(true)
					t.Error(err)
				}
			}
		})
	}
	n, ran := 0, 0
	var some []*schedule
	everySchedule(level, func(s *schedule) bool {
		if n++; pick(n) {
			ran++
			some = append(some, s)
		}
		if len(some) == docsAtOnce {
			batches <- some
			some = nil
		}
		return !failed.Load()
	})
	batches <- some
	close(batches)
	wg.Wait()
	return ran
}

func (p *performer) batch(some []*schedule) error {
	if len(some) == 0 {
		return nil
	}
	if err := p.prepare(some); err != nil {
		return err
	}
	for i, s := range some {
		if err := p.perform(i, s); err != nil {
			return err
		}
	}
	p.n += len(some)
	return nil
}

// TestInterleavings runs the interleavings of two small transactions in process, and
// compares every reply with the model's: all there are of snapshot isolation, and
// every fourth of serializable. Outside of complete runs it is a part of these.
func TestInterleavings(t *testing.T) {
	part := 5
	if testenv.CI() {
		part = 1
	}
	for _, c := range []struct {
		level        Level
		oneIn, least int
	}{{Snapshot, part, 50_000}, {Serializable, 4 * part, 10_000}} {
		t.Run(string(c.level), func(t *testing.T) {
			d := inProcess(t)
			n := runSchedules(t, []door{d, d}, c.level, func(n int) bool { return n%c.oneIn == 0 })
			t.Logf("%d interleavings", n)
			if n < c.least {
				t.Errorf("only %d interleavings", n)
			}
		})
	}
}

// TestReferenceInterleavings asks the reference server about a part of them: the
// model is right about it too.
func TestReferenceInterleavings(t *testing.T) {
	uri := testenv.Reference(t)
	const oneIn = 99
	n := runSchedules(t, []door{overTCP(t, uri)}, Snapshot, func(n int) bool { return n%oneIn == 0 })
	t.Logf("%d interleavings", n)
}

// door is a way to a server.
type door func(cmd bsonx.Doc) (bsonx.Doc, error)

// must fails the test if a command does.
func (d door) must(t *testing.T, text string) {
	t.Helper()
	cmd, err := bsonx.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := d(cmd)
	if err != nil || bsonx.AsDouble(bsonx.Get(reply, "ok")) == 0 {
		t.Fatalf("%s: %v %s", text, err, bsonx.ToJSON(reply))
	}
}
