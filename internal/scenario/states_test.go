package scenario

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/cockroachdb/datadriven"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/testenv"
)

// The session's number in every cell of the table, and the numbers around it.
const numberNow = int64(7)

// forms are the ways in which a command can carry a number.
var forms = []struct {
	name   string
	fields bson.D
}{
	{"continue", bson.D{{Key: "txnNumber", Value: numberNow}, {Key: "autocommit", Value: false}}},
	{"start", bson.D{{Key: "txnNumber", Value: numberNow}, {Key: "autocommit", Value: false}, {Key: "startTransaction", Value: true}}},
	{"behind", bson.D{{Key: "txnNumber", Value: numberNow - 1}, {Key: "autocommit", Value: false}}},
	{"ahead", bson.D{{Key: "txnNumber", Value: numberNow + 1}, {Key: "autocommit", Value: false}}},
	{"next", bson.D{{Key: "txnNumber", Value: numberNow + 1}, {Key: "autocommit", Value: false}, {Key: "startTransaction", Value: true}}},
	{"write", bson.D{{Key: "txnNumber", Value: numberNow}}},
	{"newwrite", bson.D{{Key: "txnNumber", Value: numberNow + 1}}},
}

// stateNames are the states that the session's number can be in, with the
// commands that lead there.
var stateNames = []struct {
	name string
	path []string
}{
	{"none", nil},
	{"open", []string{"begin"}},
	{"committed", []string{"begin", "commitTransaction"}},
	{"aborted", []string{"begin", "abortTransaction"}},
	{"write", []string{"write"}},
}

// asker asks one server for the cells of the table.
type asker struct {
	conn *conn
	env  *env.Env
	db   string
	told []string // the messages so far; the file shows each once and then its number.
}

// TestPandoStates holds the table of states/commands.txt, which the reference
// server wrote, against our own server.
func TestPandoStates(t *testing.T) {
	srv := openOurs(t)
	u, err := url.Parse(srv.URI())
	if err != nil {
		t.Fatal(err)
	}
	askAll(t, u.Host)
}

// TestReferenceStates holds it against the reference server, or writes it (-rewrite).
func TestReferenceStates(t *testing.T) {
	askAll(t, hostOf(t, testenv.Reference(t)))
}

func askAll(t *testing.T, addr string) {
	e := env.System()
	c, err := dial(t.Context(), e, addr, "states")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	a := &asker{conn: c, env: e, db: prefixFor(e) + "states"}
	a.must(t, bson.D{{Key: "insert", Value: "c"}, {Key: "documents", Value: bson.A{bson.D{{Key: "_id", Value: 1}}}}})
	defer a.must(t, bson.D{{Key: "dropDatabase", Value: 1}})
	var differences []string
	datadriven.RunTest(t, "states/commands.txt", func(t *testing.T, d *datadriven.TestData) string {
		cmds, err := parseCommands(strings.ReplaceAll(d.Input, "$test", a.db))
		if err != nil || d.Cmd != "ask" || len(cmds) != 1 {
			d.Fatalf(t, "expected ask and one command: %v", err)
		}
		got := a.table(t, cmds[0])
		if got != d.Expected && !d.Rewrite {
			differences = append(differences, fmt.Sprintf("%s: %s\nexpected:\n%sfound:\n%s", d.Pos, d.Input, d.Expected, got))
			return d.Expected // a failure now would keep the others from being asked.
		}
		return got
	})
	for _, text := range differences {
		t.Error(text)
	}
}

// must sends a command that has to succeed.
func (a *asker) must(t *testing.T, cmd bson.D) {
	t.Helper()
	if reply := a.call(t, cmd); failed(reply) {
		t.Fatalf("%v: %v", cmd, reply)
	}
}

func (a *asker) call(t *testing.T, cmd bson.D) bson.Raw {
	t.Helper()
	if !has(cmd, "$db") {
		cmd = append(slices.Clone(cmd), bson.E{Key: "$db", Value: a.db})
	}
	reply, err := a.conn.call(cmd)
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return reply
}

// table asks a command in every state and form.
func (a *asker) table(t *testing.T, cmd bson.D) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range forms {
		fmt.Fprintf(w, "\t%s", f.name)
	}
	fmt.Fprintln(w)
	var seen []int
	known := len(a.told)
	for _, s := range stateNames {
		fmt.Fprint(w, s.name)
		for _, f := range forms {
			text, message := a.cell(t, cmd, s.path, f.fields, s.name == "open")
			fmt.Fprintf(w, "\t%s", text)
			if message == "" {
				continue
			}
			i := slices.Index(a.told, message)
			if i < 0 {
				i, a.told = len(a.told), append(a.told, message)
			}
			if !slices.Contains(seen, i) {
				seen = append(seen, i)
			}
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	var again []string
	for _, i := range seen {
		if i < known {
			again = append(again, fmt.Sprintf("[%d]", i+1))
		} else {
			fmt.Fprintf(&b, "[%d] %s\n", i+1, a.told[i])
		}
	}
	if len(again) > 0 {
		fmt.Fprintln(&b, strings.Join(again, " "))
	}
	return b.String()
}

// cell leads a new session along path, sends it the command, and tells what came of
// it: ok or a code, with the initials of the labels, and ! if the transaction that
// was open is so no longer.
func (a *asker) cell(t *testing.T, cmd bson.D, path []string, fields bson.D, open bool) (text, message string) {
	id := a.env.UUID()
	lsid := bson.D{{Key: "id", Value: bson.Binary{Subtype: 4, Data: id[:]}}}
	dress := func(cmd bson.D, more ...bson.E) bson.D {
		return append(append(slices.Clone(cmd), bson.E{Key: "lsid", Value: lsid}), more...)
	}
	now := bson.D{{Key: "txnNumber", Value: numberNow}, {Key: "autocommit", Value: false}}
	find := bson.D{{Key: "find", Value: "c"}}
	for _, step := range path {
		switch step {
		case "begin":
			a.must(t, dress(find, append(slices.Clone(now), bson.E{Key: "startTransaction", Value: true})...))
		case "write":
			update := bson.D{{Key: "q", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "u", Value: bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}}}}
			a.must(t, dress(bson.D{{Key: "update", Value: "c"}, {Key: "updates", Value: bson.A{update}}}, now[0]))
		default:
			a.must(t, dress(bson.D{{Key: step, Value: 1}, {Key: "$db", Value: "admin"}}, now...))
		}
	}
	reply := a.call(t, dress(cmd, fields...))
	text, message = a.tell(reply, cmd[0].Key, id)
	if open && failed(a.call(t, dress(find, now...))) {
		text += "!"
	}
	a.must(t, bson.D{{Key: "killSessions", Value: bson.A{lsid}}, {Key: "$db", Value: "admin"}})
	return text, message
}

// tell is a reply as a cell shows it, and its message without what is the cell's own.
func (a *asker) tell(reply bson.Raw, name string, id [16]byte) (text, message string) {
	if n, _ := reply.Lookup("ok").AsFloat64OK(); n == 1 {
		if failed(reply) {
			return "ok, failed", ""
		}
		return "ok", ""
	}
	code, _ := reply.Lookup("code").AsInt64OK()
	text = fmt.Sprint(code)
	if labels, ok := reply.Lookup("errorLabels").ArrayOK(); ok {
		values, _ := labels.Values()
		for _, l := range values {
			text += string(l.StringValue()[0])
		}
	}
	msg, _ := reply.Lookup("errmsg").StringValueOK()
	if before, _, ok := strings.Cut(msg, " request: {"); ok {
		msg = before + " request" // the rest repeats what the server has stored.
	}
	msg = strings.NewReplacer(dashed(id[:])+" - 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= -  - ", "$s", a.db, "test",
		"'"+name+"'", "'…'", "and "+name+" is", "and … is").Replace(msg)
	return text, fmt.Sprintf("%d %s", code, msg)
}
