package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

const dumped = "carry_dumped"

// TestDump: mongodump and mongorestore carry a database out and back, in each of
// their forms, with every byte of its documents and every option of its indexes.
func TestDump(t *testing.T) {
	mongotools.need(t)
	uri := target(t)("")
	client := connect(t, uri)
	load(t, client.Database(dumped))
	want := read(t, client.Database(dumped))
	// Each way out has its way in; DIR stands for a folder of its own.
	for i, way := range []struct {
		name    string
		out, in []string
	}{
		{"folder", []string{"--out=DIR"}, []string{"DIR"}},
		{"compressed folder", []string{"--gzip", "--out=DIR"}, []string{"--gzip", "--dir=DIR"}},
		{"archive", []string{"--archive=DIR/a"}, []string{"--archive=DIR/a"}},
		{"compressed archive", []string{"--gzip", "--archive=DIR/a"}, []string{"--gzip", "--archive=DIR/a"}},
		{"in parallel", []string{"--numParallelCollections=8", "--out=DIR"},
			[]string{"--numParallelCollections=8", "--numInsertionWorkersPerCollection=4", "DIR"}},
		{"in order", []string{"--numParallelCollections=1", "--out=DIR"}, []string{"--maintainInsertionOrder", "--objcheck", "DIR"}},
		{"bypassing validation", []string{"--readPreference=primary", "--out=DIR"},
			[]string{"--bypassDocumentValidation", "--writeConcern={w:'majority'}", "DIR"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			back := client.Database(fmt.Sprintf("carry_back_%d", i))
			drop(t, back)
			dir := t.TempDir()
			mustTool(t, uri, "mongodump", append([]string{"--db", dumped}, in(dir, way.out)...)...)
			mustTool(t, uri, "mongorestore", append(renamed(back.Name()), in(dir, way.in)...)...)
			want.compare(t, read(t, back))
			drop(t, back)
		})
	}
	t.Run("over another", func(t *testing.T) { restoreOver(t, uri, client, want) })
	t.Run("one collection", func(t *testing.T) { dumpQuery(t, uri, client, want) })
	t.Run("beside a transaction", func(t *testing.T) { dumpBeside(t, uri, client, want) })
}

func in(dir string, args []string) []string {
	var out []string
	for _, a := range args {
		out = append(out, strings.ReplaceAll(a, "DIR", dir))
	}
	return out
}

func renamed(to string) []string { return []string{"--nsFrom", dumped + ".*", "--nsTo", to + ".*"} }

func drop(t *testing.T, db *mongo.Database) {
	t.Helper()
	if err := db.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// restoreOver restores over a database that has changed: without --drop what is there
// stays, with it the dump takes its place.
func restoreOver(t *testing.T, uri string, client *mongo.Client, want content) {
	ctx := t.Context()
	back := client.Database("carry_over")
	drop(t, back)
	archive := "--archive=" + filepath.Join(t.TempDir(), "a")
	mustTool(t, uri, "mongodump", "--db", dumped, archive)
	mustTool(t, uri, "mongorestore", append(renamed(back.Name()), archive)...)

	numbers := back.Collection("numbers")
	_, err := numbers.DeleteMany(ctx, bson.D{{Key: "n", Value: 1}})
	gone := count(t, client.Database(dumped).Collection("numbers")) - count(t, numbers)
	if err != nil || gone == 0 {
		t.Fatalf("%d documents deleted: %v", gone, err)
	}
	if _, err := numbers.UpdateOne(ctx, bson.D{{Key: "_id", Value: 0}}, bson.D{{Key: "$set", Value: bson.D{{Key: "mine", Value: true}}}}); err != nil {
		t.Fatal(err)
	}
	said := mustTool(t, uri, "mongorestore", append(renamed(back.Name()), archive)...)
	if !strings.Contains(said, "E11000") || !strings.Contains(said, fmt.Sprintf("%d document(s) restored successfully", gone)) {
		t.Errorf("nothing about %d that came back and those that were there", gone)
	}
	if n, err := numbers.CountDocuments(ctx, bson.D{{Key: "mine", Value: true}}); n != 1 || err != nil {
		t.Errorf("a document that was there was replaced: %d, %v", n, err)
	}
	if err := numbers.Indexes().DropAll(ctx); err != nil {
		t.Fatal(err)
	}
	mustTool(t, uri, "mongorestore", append(renamed(back.Name()), "--drop", archive)...)
	want.compare(t, read(t, back))
	drop(t, back)
}

func count(t *testing.T, coll *mongo.Collection) int64 {
	t.Helper()
	n, err := coll.CountDocuments(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// dumpQuery dumps some documents of one collection.
func dumpQuery(t *testing.T, uri string, client *mongo.Client, want content) {
	back := client.Database("carry_query")
	drop(t, back)
	dir := t.TempDir()
	mustTool(t, uri, "mongodump", "--db", dumped, "--collection", "numbers", "--query", `{"n": {"$lt": 3}}`, "--out", dir)
	mustTool(t, uri, "mongorestore", "--nsFrom", dumped+".numbers", "--nsTo", back.Name()+".some", dir)
	some := content{"some: options": want["numbers: options"], "some: indexes": want["numbers: indexes"]}
	for _, doc := range want["numbers: documents"] {
		if doc.Lookup("n").Int32() < 3 {
			some["some: documents"] = append(some["some: documents"], doc)
		}
	}
	some.compare(t, read(t, back))
	drop(t, back)
}

// dumpBeside dumps while a transaction has written to what is dumped: the dump is
// not held up, and holds nothing of it.
func dumpBeside(t *testing.T, uri string, client *mongo.Client, want content) {
	back := client.Database("carry_beside")
	drop(t, back)
	session, err := client.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(t.Context())
	if err := session.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	ctx := mongo.NewSessionContext(t.Context(), session)
	numbers := client.Database(dumped).Collection("numbers")
	if _, err := numbers.InsertOne(ctx, bson.D{{Key: "_id", Value: "uncommitted"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := numbers.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: 100}}}}); err != nil {
		t.Fatal(err)
	}
	archive := "--archive=" + filepath.Join(t.TempDir(), "a")
	mustTool(t, uri, "mongodump", "--db", dumped, archive)
	if err := session.AbortTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustTool(t, uri, "mongorestore", append(renamed(back.Name()), archive)...)
	want.compare(t, read(t, back))
	drop(t, back)
}

// TestDumpServer: a dump of everything goes into another server, which is then
// killed and started again; what a dump cannot have from us is refused by its name.
func TestDumpServer(t *testing.T) {
	mongotools.need(t)
	if os.Getenv("PANDO_ACCEPTANCE_URI") != "" {
		t.Skip("another's server is not dumped as a whole")
	}
	from, to := newServer(t), newServer(t)
	dir := t.TempDir()
	client := connect(t, from.uri(""))
	load(t, client.Database(dumped))
	insert(t, client.Database("carry_other").Collection("c"), bson.D{{Key: "_id", Value: 1}})
	mustTool(t, from.uri(""), "mongodump", "--out", dir)

	for _, refused := range []struct{ what, tool, arg string }{
		{"local.oplog.rs", "mongodump", "--oplog"},
		{"applyOps", "mongorestore", "--preserveUUID"},
	} {
		args := []string{refused.arg, "--out", t.TempDir()}
		if refused.tool == "mongorestore" {
			args = []string{refused.arg, "--drop", dir}
		}
		said, err := tool(t, to.uri(""), refused.tool, args...)
		if err == nil || !strings.Contains(said, refused.what+" is not implemented") {
			t.Errorf("%s %s: %v", refused.tool, refused.arg, err)
		}
	}

	mustTool(t, to.uri(""), "mongorestore", "--drop", dir)
	to.kill()
	to.start()
	there := connect(t, to.uri(""))
	for _, db := range []string{dumped, "carry_other"} {
		read(t, client.Database(db)).compare(t, read(t, there.Database(db)))
	}
	// Before the server stops: it is told that the sessions end, for as long as it takes.
	if err := there.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
	to.stop()
	to.check()
}
