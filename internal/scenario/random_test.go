package scenario

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/testenv"
)

// dice makes random commands of two sessions and of a client without one. What
// depends on time is left out: outside, writes of many documents, upserts and
// changes of collections.
type dice struct{ env *env.Env }

func (d dice) n(n int) int { return int(d.env.Uint64() % uint64(n)) }

func (d dice) one(list ...string) string { return list[d.n(len(list))] }

// write is one that a retry may follow, and that may wait for one document.
func (d dice) write() string {
	id, u := d.n(6), d.n(8)
	return d.one(
		fmt.Sprintf(`{"insert": "c", "documents": [{"_id": %d, "u": %d}]}`, id, u),
		fmt.Sprintf(`{"insert": "c", "documents": [{"_id": %d}, {"_id": %d, "u": %d}], "ordered": false}`, id, d.n(6), u),
		fmt.Sprintf(`{"update": "c", "updates": [{"q": {"_id": %d}, "u": {"$inc": {"n": 1}}}]}`, id),
		fmt.Sprintf(`{"update": "c", "updates": [{"q": {"_id": %d}, "u": {"$set": {"u": %d}}}, {"q": {"_id": %d}, "u": {"x": 1}}]}`, id, u, d.n(6)),
		fmt.Sprintf(`{"delete": "c", "deletes": [{"q": {"_id": %d}, "limit": 1}]}`, id),
		fmt.Sprintf(`{"findAndModify": "c", "query": {"_id": %d}, "update": {"$inc": {"n": 1}}, "new": %t}`, id, u%2 == 0),
		fmt.Sprintf(`{"findAndModify": "c", "query": {"_id": %d}, "remove": true}`, id),
		fmt.Sprintf(`{"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": %d}}, {"update": 1, "filter": {"_id": %d}, "updateMods": {"$inc": {"n": 1}}}, {"delete": 0, "filter": {"_id": %d}}], "nsInfo": [{"ns": "test.c"}, {"ns": "test.d"}], "ordered": %t}`, id, d.n(6), d.n(6), u%2 == 0),
	)
}

func (d dice) read() string {
	return d.one(
		`{"find": "c", "sort": {"_id": 1}}`,
		fmt.Sprintf(`{"find": "c", "filter": {"k": %d}, "sort": {"_id": 1}}`, d.n(2)),
		`{"find": "c", "filter": {"u": {"$gt": 1}}, "sort": {"_id": 1}}`,
		`{"find": "c", "sort": {"_id": 1}, "batchSize": 1}`,
		fmt.Sprintf(`{"getMore": "$cursor%d", "collection": "c", "batchSize": 1}`, 1+d.n(3)),
		`{"aggregate": "c", "pipeline": [{"$group": {"_id": null, "n": {"$sum": 1}, "s": {"$sum": "$n"}}}], "cursor": {}}`,
		`{"distinct": "c", "key": "_id"}`,
		`{"find": "d", "sort": {"_id": 1}}`,
	)
}

// inside is what only a transaction is asked.
func (d dice) inside() string {
	return d.one(
		fmt.Sprintf(`{"update": "c", "updates": [{"q": {"k": %d}, "u": {"$inc": {"m": 1}}, "multi": true}]}`, d.n(2)),
		fmt.Sprintf(`{"update": "c", "updates": [{"q": {"_id": %d}, "u": {"$set": {"k": 5}}, "upsert": true}]}`, d.n(6)),
		`{"delete": "c", "deletes": [{"q": {"k": 1}, "limit": 0}]}`,
		fmt.Sprintf(`{"create": %q}`, d.one("c", "d", "e")),
		fmt.Sprintf(`{"createIndexes": %q, "indexes": [{"key": {"z": 1}, "name": "z_1"}]}`, d.one("c", "d", "e")),
		`{"count": "c"}`, `{"find": "c", "filter": {"$x": 1}}`, `{"find": "c", "surprise": 1}`, `{"insert": "c", "documents": []}`,
		`{"aggregate": "c", "pipeline": [{"$out": "x"}], "cursor": {}}`, `{"drop": "c"}`,
		`{"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"_id": 9}}}]}`,
	)
}

// move is one command and who sends it how.
type move struct {
	st  step
	cmd string
}

// with adds a field to a command.
func with(cmd, field string) string { return strings.TrimSuffix(cmd, "}") + ", " + field + "}" }

const shortly = `"maxTimeMS": 100`

func (d dice) move() move {
	st := step{session: d.one("a", "a", "b", ""), force: true}
	if st.conn = st.session; st.session == "" {
		st.conn = "main"
	}
	cmd := d.one(d.read(), d.write())
	if bulk := `{"bulkWrite"`; st.session != "" && d.n(4) == 0 {
		cmd = d.inside()
	} else if strings.HasPrefix(cmd, bulk) {
		st.db = "admin"
	}
	p := d.n(100)
	switch {
	case st.session == "" && strings.HasPrefix(cmd, `{"getMore"`):
	case st.session == "":
		cmd = with(cmd, shortly)
	case p < 15:
		cmd, st.db = d.one(`{"commitTransaction": 1}`, `{"commitTransaction": 1}`, `{"abortTransaction": 1}`), ""
	case p < 35:
		cmd = with(cmd, `"startTransaction": true`)
	case p < 43: // a retryable write under a low number: often too old, sometimes a retry.
		cmd, st.db = with(d.write(), shortly), ""
		if strings.HasPrefix(cmd, `{"bulkWrite"`) {
			st.db = "admin"
		}
		cmd = with(cmd, fmt.Sprintf(`"txnNumber": %d`, 1+d.n(6)))
	}
	return move{st, cmd}
}

// play sends the moves to a server and returns the replies as scenarios show them.
func play(t *testing.T, addr string, moves []move) []string {
	e := env.System()
	n := newNames(e, prefixFor(e), addr)
	f := &file{
		ctx: t.Context(), env: e, addr: addr, names: n, out: &printer{names: n},
		conns: map[string]*conn{}, sessions: map[string]*session{}, dbs: map[string]bool{},
	}
	defer f.clean(t)
	var told []string
	for _, m := range moves {
		c, err := f.dial(m.st.conn)
		if err != nil {
			t.Fatal(err)
		}
		cmds, err := parseCommands(m.cmd)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := c.call(f.send(cmds[0], &m.st))
		if err != nil {
			t.Fatalf("%s: %v", m.cmd, err)
		}
		text := f.out.print(reply, &m.st)
		if strings.Contains(text, "operation exceeded time limit") {
			text = "out of time\n" // where exactly is a matter of luck.
		}
		told = append(told, text)
	}
	return told
}

// TestReferenceRandom plays random moves to the reference server and to ours, and
// compares every reply. What differs must differ again, since deadlines are in play.
func TestReferenceRandom(t *testing.T) {
	theirs := hostOf(t, testenv.Reference(t))
	u, err := url.Parse(openOurs(t).URI())
	if err != nil {
		t.Fatal(err)
	}
	const games, tries = 60, 3
	for seed := range uint64(games) {
		d := dice{env.Seeded(seed)}
		moves := []move{
			{step{conn: "main"}, `{"createIndexes": "c", "indexes": [{"key": {"u": 1}, "name": "u_1", "unique": true, "sparse": true}, {"key": {"k": 1}, "name": "k_1"}]}`},
			{step{conn: "main"}, `{"insert": "c", "documents": [{"_id": 0, "k": 0, "u": 0}, {"_id": 1, "k": 1, "u": 1}, {"_id": 2, "k": 0, "u": 2}, {"_id": 3, "k": 1, "u": 3}]}`},
		}
		for range 8 + d.n(16) {
			moves = append(moves, d.move())
		}
		moves = append(moves, move{step{conn: "main"}, `{"find": "c", "sort": {"_id": 1}}`}, move{step{conn: "main"}, `{"find": "d", "sort": {"_id": 1}}`})
		for try := 1; ; try++ {
			at, want, got := differ(play(t, theirs, moves), play(t, u.Host, moves))
			if at < 0 {
				break
			}
			if try == tries {
				t.Errorf("seed %d, move %d: %q %s\ntheirs: %sours:   %s", seed, at, moves[at].st.session, moves[at].cmd, want, got)
				for _, m := range moves[:at] {
					t.Logf("%q %s", m.st.session, m.cmd)
				}
				break
			}
		}
	}
}

func differ(theirs, ours []string) (at int, want, got string) {
	for i := range theirs {
		if theirs[i] != ours[i] {
			return i, theirs[i], ours[i]
		}
	}
	return -1, "", ""
}
