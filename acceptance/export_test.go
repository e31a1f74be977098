package acceptance

import (
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// TestExport: mongoexport and mongoimport carry documents as text: as canonical
// JSON without a loss, as CSV what fits into it; an import can also replace and delete.
func TestExport(t *testing.T) {
	mongotools.need(t)
	uri := target(t)("")
	client := connect(t, uri)
	from, back := client.Database("carry_exported"), client.Database("carry_imported")
	load(t, from)
	drop(t, back)
	dir := t.TempDir()
	of := func(db, coll string) []string { return []string{"--db", db, "--collection", coll} }
	want := read(t, from)
	file := func(coll string) string { return filepath.Join(dir, coll) }
	for _, coll := range []string{"types", "numbers", "odd name.ü"} {
		mustTool(t, uri, "mongoexport", append(of(from.Name(), coll), "--jsonFormat", "canonical", "--out", file(coll))...)
		mustTool(t, uri, "mongoimport", append(of(back.Name(), coll), "--file", file(coll))...)
	}
	same := func(coll string) {
		t.Helper()
		name := coll + ": documents"
		content{name: want[name]}.compare(t, content{name: read(t, back)[name]})
	}
	same("types")
	same("numbers")
	same("odd name.ü")

	numbers := back.Collection("numbers")
	if _, err := numbers.UpdateMany(t.Context(), bson.D{{Key: "n", Value: 1}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "mail", Value: 1}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := numbers.DeleteMany(t.Context(), bson.D{{Key: "n", Value: 2}}); err != nil {
		t.Fatal(err)
	}
	mustTool(t, uri, "mongoimport", append(of(back.Name(), "numbers"), "--mode", "upsert", "--file", file("numbers"))...)
	same("numbers")

	some := filepath.Join(dir, "some")
	mustTool(t, uri, "mongoexport", append(of(from.Name(), "numbers"), "--query", `{"n": {"$gte": 2}}`, "--sort", `{"_id": -1}`, "--out", some)...)
	mustTool(t, uri, "mongoimport", append(of(back.Name(), "numbers"), "--mode", "delete", "--file", some)...)
	sumN(t, numbers, 12_000/7+1+12_000/7+1, 12_000/7+1)

	csv := filepath.Join(dir, "csv")
	mustTool(t, uri, "mongoexport", append(of(from.Name(), "numbers"), "--type", "csv", "--fields", "_id,n,tags.0", "--query", `{"_id": {"$lt": 70}}`, "--out", csv)...)
	said := mustTool(t, uri, "mongoimport", append(of(back.Name(), "table"), "--type", "csv", "--headerline", "--file", csv)...)
	if !strings.Contains(said, "70 document(s) imported successfully") {
		t.Error("not 70 lines")
	}
	sumN(t, back.Collection("table"), 70, 10*(0+1+2+3+4+5+6))
}

// sumN holds the number of a collection's documents, and the sum of their n, against
// what they must be.
func sumN(t *testing.T, coll *mongo.Collection, docs, sum int64) {
	t.Helper()
	cursor, err := coll.Aggregate(t.Context(), bson.A{bson.D{{Key: "$group", Value: bson.D{
		{Key: "_id", Value: nil}, {Key: "docs", Value: bson.D{{Key: "$sum", Value: 1}}}, {Key: "sum", Value: bson.D{{Key: "$sum", Value: "$n"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var found []struct{ Docs, Sum int64 }
	if err := cursor.All(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Docs != docs || found[0].Sum != sum {
		t.Errorf("%s: %+v, not %d documents whose n sum up to %d", coll.Name(), found, docs, sum)
	}
}
