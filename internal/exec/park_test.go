package exec

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

// stocked opens a house with a collection of random documents and indexes.
func stocked(t *testing.T, rt *rapid.T) (h *house, indexes []bsonx.Doc, ids map[int]string) {
	h = openHouse(t)
	for range rapid.IntRange(1, 3).Draw(rt, "indexes") {
		indexes = append(indexes, bsonx.MustParseJSON(drawIndex(rt)))
	}
	h.index("c", distinct(indexes)...)
	ids = map[int]string{}
	for id := range rapid.IntRange(1, 25).Draw(rt, "docs") {
		text := drawDoc(rt, id*2)
		if h.tryInsert("c", bsonx.MustParseJSON(text)) {
			ids[id*2] = text
		}
	}
	return h, indexes, ids
}

func drawFindFor(rt *rapid.T, indexes []bsonx.Doc) find {
	f := drawFind(rt)
	if rapid.Bool().Draw(rt, "aimed") {
		f = drawAimed(rt, rapid.SampledFrom(indexes).Draw(rt, "at"))
	}
	f.skip, f.limit = 0, 0
	return f
}

// parking runs a find and parks it at random places; meanwhile is called between
// the parking and the going on in a new transaction.
func (h *house) parking(rt *rapid.T, f find, meanwhile func()) (docs []bsonx.Doc, node plan.Node, err error) {
	tx := h.begin()
	defer func() { tx.Rollback() }()
	req, err := h.request(tx, "c", f)
	if err != nil {
		return nil, nil, err
	}
	if node, err = plan.Find(ctx, tx, req); err != nil {
		return nil, nil, err
	}
	e, err := Open(ctx, tx, node, Options{})
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	for {
		if rapid.IntRange(0, 2).Draw(rt, "park") == 0 {
			e.Park()
			tx.Rollback()
			meanwhile()
			tx = h.begin()
			e.Resume(tx)
		}
		doc, err := e.Next(ctx)
		if err == io.EOF {
			return docs, node, nil
		}
		if err != nil {
			return docs, node, err
		}
		docs = append(docs, slices.Clone(doc))
	}
}

// TestParkChangesNothing parks plans of all kinds again and again: what they give
// is what they give in one go, in the same order.
func TestParkChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, indexes, _ := stocked(t, rt)
		for range 6 {
			f := drawFindFor(rt, indexes)
			tx := h.begin()
			want, _, _, wantErr := h.find(tx, "c", f)
			tx.Rollback()
			got, node, err := h.parking(rt, f, func() {})
			if (err != nil) != (wantErr != nil) || err == nil && !slices.Equal(jsons(got), jsons(want)) {
				b := bsonx.NewBuilder(nil)
				plan.AppendNode(b, node, nil)
				rt.Fatalf("%+v\ngot  %v %v\nwant %v %v\nplan %s", f, jsons(got), err, jsons(want), wantErr, bsonx.ToJSON(b.Doc()))
			}
		}
	})
}

// TestParkBesideChanges inserts and deletes documents while a plan is parked. What
// was there from beginning to end and matches is given, once; what matches at no
// time is not given.
func TestParkBesideChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, indexes, texts := stocked(t, rt)
		f := drawFindFor(rt, indexes)
		f.projection, f.sort = "", ""
		if rapid.Bool().Draw(rt, "by key") {
			f.sort = bsonx.ToJSON(bsonx.AsDoc(bsonx.Get(indexes[0], "key")))
		}
		matching := func() map[string]bool {
			tx := h.begin()
			defer tx.Rollback()
			docs, _, _, err := h.find(tx, "c", find{filter: f.filter})
			if err != nil {
				rt.Fatal(err)
			}
			set := map[string]bool{}
			for _, d := range jsons(docs) {
				set[d] = true
			}
			return set
		}
		always, ever := matching(), matching()
		got, _, err := h.parking(rt, f, func() {
			id := rapid.IntRange(0, 50).Draw(rt, "id")
			if text, there := texts[id]; there {
				h.remove("c", id)
				delete(texts, id)
				_ = text
			} else if id%2 == 1 { // a deleted one does not come back.
				if text := drawDoc(rt, id); h.tryInsert("c", bsonx.MustParseJSON(text)) {
					texts[id] = text
				}
			}
			now := matching()
			for d := range always {
				if !now[d] {
					delete(always, d)
				}
			}
			for d := range now {
				ever[d] = true
			}
		})
		if e, killed := errors.AsType[*mongoerr.Error](err); killed && e.Code == mongoerr.BadValue {
			return // a sort over parallel arrays.
		}
		if err != nil {
			rt.Fatalf("%+v: %v", f, err)
		}
		times := map[string]int{}
		for _, d := range jsons(got) {
			times[d]++
			if times[d] > 1 || !ever[d] {
				rt.Fatalf("%+v gave %s, for the %d. time; matching at some time: %v", f, d, times[d], ever[d])
			}
		}
		for d := range always {
			if times[d] == 0 {
				rt.Fatalf("%+v did not give %s\ngot %v\nindexes %v", f, d, jsons(got), jsons(indexes))
			}
		}
	})
}

// remove deletes one document.
func (h *house) remove(coll string, id int) {
	h.t.Helper()
	tx := h.begin()
	c := h.coll(tx, coll)
	old, err := tx.Get(ctx, c, bsonx.Int32(int32(id)), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := tx.Claim(ctx, c, bsonx.Int32(int32(id))); err != nil {
		h.t.Fatal(err)
	}
	if err := tx.Delete(ctx, c, old); err != nil {
		h.t.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		h.t.Fatal(err)
	}
}

// TestParkedIndexGone drops the index, and then the collection, of parked plans.
func TestParkedIndexGone(t *testing.T) {
	h := openHouse(t)
	h.index("c", bsonx.MustParseJSON(`{"key": {"a": 1}}`))
	for i := range 10 {
		h.insert("c", bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d, "a": %d}`, i, i)))
	}
	tx := h.begin()
	req, err := h.request(tx, "c", find{filter: `{"a": {"$gte": 0}}`})
	if err != nil {
		t.Fatal(err)
	}
	e := openFind(t, tx, req)
	defer e.Close()
	if _, err := e.Next(ctx); err != nil {
		t.Fatal(err)
	}
	e.Park()
	tx.Rollback()
	drop := h.begin()
	c := h.coll(drop, "c")
	if _, err := drop.Cat.DropIndex(ctx, c, c.Indexes[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := drop.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	e.Resume(h.begin())
	_, err = e.Next(ctx)
	if me, ok := errors.AsType[*mongoerr.Error](err); !ok || me.Code != mongoerr.QueryPlanKilled || !strings.Contains(me.Msg, "a_1") {
		t.Fatal(err)
	}
}

// TestParkedIndexMeetsArray: while a plan is parked its index meets the first array. An
// entry within the bounds then says no more that the whole document matches.
func TestParkedIndexMeetsArray(t *testing.T) {
	h := openHouse(t)
	h.index("c", bsonx.MustParseJSON(`{"key": {"a": 1}}`))
	for i := range 4 {
		h.insert("c", bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d, "a": %d}`, i, i)))
	}
	tx := h.begin()
	req, err := h.request(tx, "c", find{filter: `{"a": {"$not": {"$gt": 5}}}`, hint: `{"a": 1}`})
	if err != nil {
		t.Fatal(err)
	}
	e := openFind(t, tx, req)
	first, err := e.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ids := []int32{bsonx.AsInt32(bsonx.Get(first, "_id"))}
	e.Park()
	tx.Rollback()
	h.insert("c", bsonx.MustParseJSON(`{"_id": 8, "a": [7, 3]}`), bsonx.MustParseJSON(`{"_id": 9, "a": [4, 5]}`))
	e.Resume(h.begin())
	rest, err := drain(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rest {
		ids = append(ids, bsonx.AsInt32(bsonx.Get(d, "_id")))
	}
	if want := []int32{0, 1, 2, 3, 9}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
}

// TestParkedPipelines parks pipelines that read more than their own collection, at
// every place where they can be: what they give does not change.
func TestParkedPipelines(t *testing.T) {
	h := openHouse(t)
	h.index("c")
	h.index("other", bsonx.MustParseJSON(`{"key": {"a": 1}}`))
	for i := range 4 {
		h.insert("c", bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d}`, i)))
		h.insert("other", bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d, "a": %d}`, i, i/2)))
	}
	const join = `{"$lookup": {"from": "other", "localField": "_id", "foreignField": "a", "as": "o"}}`
	for _, text := range []string{
		`[` + join + `]`,
		`[{"$lookup": {"from": "other", "let": {"id": "$_id"}, "as": "o",
		   "pipeline": [{"$match": {"$expr": {"$eq": ["$a", "$$id"]}}}, ` + join + `]}}]`,
		`[{"$facet": {"joined": [` + join + `], "few": [{"$limit": 1}]}}]`,
		`[{"$sort": {"_id": -1}}, ` + join + `, {"$unwind": "$o"}]`,
		`[{"$group": {"_id": null, "n": {"$sum": "$_id"}}}, ` + join + `]`,
	} {
		pipeline := bsonx.Get(bsonx.MustParseJSON(`{"p": `+text+`}`), "p")
		want, err := h.aggregate(namespace("c"), pipeline)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for at := range len(want) + 1 {
			if got := h.parkedPipeline(pipeline, at); !slices.Equal(jsons(got), jsons(want)) {
				t.Errorf("%s, parked after %d\ngot  %v\nwant %v", text, at, jsons(got), jsons(want))
			}
		}
	}
}

// parkedPipeline runs a pipeline and parks it after so many documents.
func (h *house) parkedPipeline(pipeline bsonx.Value, at int) (docs []bsonx.Doc) {
	h.t.Helper()
	tx := h.begin()
	e, err := h.openPipeline(tx, namespace("c"), pipeline)
	if err != nil {
		h.t.Fatal(err)
	}
	for range at {
		doc, err := e.Next(ctx)
		if err != nil {
			h.t.Fatal(err)
		}
		docs = append(docs, slices.Clone(doc))
	}
	e.Park()
	tx.Rollback()
	tx = h.begin()
	defer tx.Rollback()
	e.Resume(tx)
	rest, err := drain(e)
	if err != nil {
		h.t.Fatalf("%s, parked after %d: %v", bsonx.ToJSON(bsonx.AsDoc(pipeline)), at, err)
	}
	return append(docs, rest...)
}
