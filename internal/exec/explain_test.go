package exec

import (
	"errors"
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/testenv"
)

// testdata/explain holds finds and the winning plans of the reference server, as
// in the files of pipelines. Where ours is another on purpose, the line before
// says why, and the plan is ours.

const explainFile = "testdata/explain/find.txt"

// explained is one find and its plan.
type explained struct {
	line int
	text string // of a find; of a directive or comment with kind set.
	kind string
	why  string // the plan is ours.
	want string
}

func readExplained(t *testing.T) []explained {
	t.Helper()
	data, err := os.ReadFile(explainFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []explained
	why := ""
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		e := explained{line: i + 1, text: line}
		for _, kind := range []string{"#", "with ", "index ", "differs "} {
			if strings.HasPrefix(line, kind) {
				e.kind = kind
			}
		}
		switch {
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "! "):
			all[len(all)-1].want = line
			continue
		case e.kind == "differs ":
			why = line
		case e.kind == "":
			e.why, why = why, ""
		}
		all = append(all, e)
	}
	return all
}

// TestExplain compares our plans with the recorded ones.
func TestExplain(t *testing.T) {
	h := openHouse(t)
	h.index("c")
	for _, e := range readExplained(t) {
		text := strings.TrimPrefix(e.text, e.kind)
		switch e.kind {
		case "with ":
			h.load(t, "c", text)
		case "index ":
			h.index("c", bsonx.MustParseJSON(text))
		case "":
			if got := h.explain(t, text); got != e.want {
				t.Errorf("%s:%d: %s\n got  %s\n want %s", explainFile, e.line, e.text, got, e.want)
			}
		}
	}
}

func (h *house) explain(t *testing.T, text string) string {
	t.Helper()
	spec := bsonx.MustParseJSON(text)
	part := func(name string) string {
		v := bsonx.Get(spec, name)
		if bsonx.IsMissing(v) {
			return ""
		}
		return bsonx.ValueToJSON(v)
	}
	number := func(name string) int64 {
		n, _ := bsonx.ToInt64Exact(bsonx.Get(spec, name))
		return n
	}
	tx := h.begin()
	defer tx.Rollback()
	r, err := h.request(tx, "c", find{
		filter: part("filter"), sort: part("sort"), projection: part("projection"), hint: part("hint"),
		skip: number("skip"), limit: number("limit"),
	})
	if err != nil {
		t.Fatal(err)
	}
	node, err := plan.Find(ctx, tx, r)
	if err != nil {
		return golden.Refusal("!", err)
	}
	b := bsonx.NewBuilder(nil)
	(&Explanation{NS: r.NS, Filter: r.Filter, Plan: node}).Append(b)
	return printPlan(t, bson.Raw(b.Doc()))
}

// printPlan is the winning plan without what is not compared: which part of a path
// led to arrays, caching, and the sub-planner's own stage.
func printPlan(t *testing.T, reply bson.Raw) string {
	t.Helper()
	var d struct {
		QueryPlanner struct{ WinningPlan bson.D }
	}
	if err := bson.Unmarshal(reply, &d); err != nil {
		t.Fatal(err)
	}
	out, err := bson.MarshalExtJSON(cleaned(d.QueryPlanner.WinningPlan), false, false)
	if err != nil {
		t.Fatal(err)
	}
	return "= " + string(out)
}

func cleaned(d bson.D) bson.D {
	var out bson.D
	for _, e := range d {
		switch v := e.Value.(type) {
		case bson.D:
			if e.Key == "inputStage" && len(d) > 0 && d[0].Value == "SUBPLAN" {
				return cleaned(v)
			}
			e.Value = cleaned(v)
		case bson.A:
			for i := range v {
				if inner, ok := v[i].(bson.D); ok {
					v[i] = cleaned(inner)
				}
			}
		case int32:
			e.Value = int64(v)
		case float64:
			e.Value = int64(v)
		}
		if e.Key == "isCached" || e.Key == "multiKeyPaths" {
			continue
		}
		out = append(out, e)
	}
	if len(out) > 0 && out[0].Value == "SUBPLAN" {
		return cleaned(out[1].Value.(bson.D))
	}
	return out
}

// TestRecordExplain asks the reference server for its plans.
func TestRecordExplain(t *testing.T) {
	coll := golden.Connect(t, testenv.Recorder(t)).Database("exec").Collection("explained")
	var out strings.Builder
	for _, e := range readExplained(t) {
		text := strings.TrimPrefix(e.text, e.kind)
		out.WriteString(e.text + "\n")
		switch {
		case e.kind == "with ":
			fill(t, coll, text)
		case e.kind == "index ":
			createIndex(t, coll, text)
		case e.kind == "" && e.why != "":
			out.WriteString(e.want + "\n")
		case e.kind == "":
			out.WriteString(askPlan(t, coll, text) + "\n")
		}
	}
	if err := os.WriteFile(explainFile, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func createIndex(t *testing.T, coll *mongo.Collection, text string) {
	t.Helper()
	var spec bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &spec); err != nil {
		t.Fatal(err)
	}
	spec = append(spec, bson.E{Key: "name", Value: indexName(bsonx.MustParseJSON(text))})
	cmd := bson.D{{Key: "createIndexes", Value: coll.Name()}, {Key: "indexes", Value: bson.A{spec}}}
	if err := coll.Database().RunCommand(ctx, cmd).Err(); err != nil {
		t.Fatal(err)
	}
}

func askPlan(t *testing.T, coll *mongo.Collection, text string) string {
	t.Helper()
	var spec bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &spec); err != nil {
		t.Fatal(err)
	}
	find := append(bson.D{{Key: "find", Value: coll.Name()}}, spec...)
	reply, err := coll.Database().RunCommand(ctx, bson.D{{Key: "explain", Value: find}, {Key: "verbosity", Value: "queryPlanner"}}).Raw()
	if err != nil {
		var failure mongo.CommandError
		if !errors.As(err, &failure) {
			t.Fatal(err)
		}
		return golden.Error("!", failure.Code, strings.ReplaceAll(failure.Message, "exec.explained", "exec.c"))
	}
	return printPlan(t, reply)
}
