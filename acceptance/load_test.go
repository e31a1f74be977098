package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// notYet is the code of what the server does not do yet. Such indexes and kinds of
// collection are left at home, and taken along as soon as they exist.
const notYet = 238

// connect returns a client of a server.
func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	return client
}

// load fills a database with what a dump has to carry: values of every type,
// documents of every size, indexes and collections of every kind.
func load(t *testing.T, db *mongo.Database) {
	t.Helper()
	ctx := t.Context()
	if err := db.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	insert(t, db.Collection("types"), everyType()...)
	insert(t, db.Collection("odd name.ü"), bson.D{{Key: "_id", Value: 1}})
	insert(t, db.Collection("large"), bson.D{{Key: "_id", Value: 1}, {Key: "text", Value: strings.Repeat("x", 15<<20)}})
	var many []any
	for i := range 12_000 {
		many = append(many, bson.D{{Key: "_id", Value: i}, {Key: "n", Value: i % 7}, {Key: "mail", Value: fmt.Sprintf("%d@example", i)},
			{Key: "tags", Value: bson.A{i, i + 1}}, {Key: "text", Value: strings.Repeat("y", i%900)}, {Key: "at", Value: time.Unix(4e9, 0)}})
	}
	insert(t, db.Collection("numbers"), many...)
	if err := db.CreateCollection(ctx, "empty"); err != nil {
		t.Fatal(err)
	}
	for _, index := range everyIndex() {
		create(t, db, "index", bson.D{{Key: "createIndexes", Value: "numbers"}, {Key: "indexes", Value: bson.A{index}}})
	}
	for _, kind := range everyCollection() {
		create(t, db, "collection", kind)
	}
}

func insert(t *testing.T, coll *mongo.Collection, docs ...any) {
	t.Helper()
	if _, err := coll.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}

// create runs a command, unless what it asks for is not there yet.
func create(t *testing.T, db *mongo.Database, what string, command bson.D) {
	t.Helper()
	err := db.RunCommand(t.Context(), command).Err()
	if failed, ok := errors.AsType[mongo.CommandError](err); ok && failed.Code == notYet {
		t.Logf("not carried: %s: %s", what, failed.Message)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
}

// everyType returns documents with values of every type, and _ids of many.
func everyType() []any {
	decimal, _ := bson.ParseDecimal128("1.10E+3")
	oid := bson.ObjectID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	docs := []any{bson.D{
		{Key: "_id", Value: "all"},
		{Key: "double", Value: 1.5}, {Key: "nan", Value: math.NaN()}, {Key: "minus zero", Value: math.Copysign(0, -1)}, {Key: "inf", Value: math.Inf(-1)},
		{Key: "string", Value: "hé\x00llo"}, {Key: "", Value: ""}, {Key: "a.b", Value: "dotted"},
		{Key: "document", Value: bson.D{{Key: "b", Value: bson.D{}}, {Key: "a", Value: bson.D{{Key: "$x", Value: 1}}}}},
		{Key: "array", Value: bson.A{1, bson.A{}, nil, bson.D{}}},
		{Key: "binary", Value: bson.Binary{Data: []byte{0, 1}}}, {Key: "old binary", Value: bson.Binary{Subtype: 2, Data: []byte("xy")}},
		{Key: "uuid", Value: bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")}}, {Key: "user", Value: bson.Binary{Subtype: 0x80, Data: []byte{}}},
		{Key: "undefined", Value: bson.Undefined{}}, {Key: "oid", Value: oid}, {Key: "true", Value: true}, {Key: "false", Value: false},
		{Key: "date", Value: bson.DateTime(-1)}, {Key: "far", Value: bson.DateTime(math.MaxInt64)}, {Key: "null", Value: nil},
		{Key: "regex", Value: bson.Regex{Pattern: "a/b", Options: "im"}}, {Key: "pointer", Value: bson.DBPointer{DB: "x.y", Pointer: oid}},
		{Key: "code", Value: bson.JavaScript("f()")}, {Key: "symbol", Value: bson.Symbol("s")},
		{Key: "scoped", Value: bson.CodeWithScope{Code: "f(x)", Scope: bson.D{{Key: "x", Value: 1}}}},
		{Key: "int", Value: int32(math.MinInt32)}, {Key: "timestamp", Value: bson.D{{Key: "zero", Value: bson.Timestamp{}}, {Key: "max", Value: bson.Timestamp{T: math.MaxUint32, I: math.MaxUint32}}}},
		{Key: "long", Value: int64(math.MaxInt64)}, {Key: "decimal", Value: decimal}, {Key: "min", Value: bson.MinKey{}}, {Key: "max", Value: bson.MaxKey{}},
	}}
	for _, id := range []any{int32(1), int64(1 << 60), 2.5, decimal, nil, true, oid, bson.DateTime(7), bson.Timestamp{T: 1}, bson.Binary{Subtype: 5, Data: []byte("x")},
		bson.D{{Key: "b", Value: 1}, {Key: "a", Value: int64(1)}}, bson.JavaScript("f()"), bson.MinKey{}, bson.MaxKey{}, bson.Symbol("sym")} {
		docs = append(docs, bson.D{{Key: "_id", Value: id}})
	}
	return docs
}

// everyIndex returns specifications of indexes.
func everyIndex() []bson.D {
	index := func(name string, options bson.D, keys ...bson.E) bson.D {
		return append(bson.D{{Key: "key", Value: bson.D(keys)}, {Key: "name", Value: name}}, options...)
	}
	up := func(path string) bson.E { return bson.E{Key: path, Value: 1} }
	of := func(path, kind string) bson.E { return bson.E{Key: path, Value: kind} }
	with := func(option string, v any) bson.D { return bson.D{{Key: option, Value: v}} }
	return []bson.D{
		index("n_1", nil, up("n")),
		index("compound", nil, up("n"), bson.E{Key: "text", Value: -1}, up("a.b")),
		index("number kinds", nil, bson.E{Key: "n", Value: int64(1)}, bson.E{Key: "mail", Value: 1.0}),
		index("unique", with("unique", true), up("mail")),
		index("sparse", with("sparse", true), up("missing")),
		index("partial", with("partialFilterExpression", bson.D{{Key: "n", Value: bson.D{{Key: "$gt", Value: int64(3)}}}}), up("at")),
		index("ttl", with("expireAfterSeconds", 100_000), up("at")),
		index("hidden", with("hidden", true), up("at"), up("n")),
		index("multikey", nil, up("tags")),
		index("french", with("collation", bson.D{{Key: "locale", Value: "fr"}}), up("mail")),
		index("hashed", nil, of("mail", "hashed")),
		index("text", bson.D{{Key: "weights", Value: bson.D{{Key: "text", Value: 3}}}, {Key: "default_language", Value: "french"}}, of("text", "text")),
		index("sphere", nil, of("where", "2dsphere")),
		index("flat", bson.D{{Key: "min", Value: -10.5}, {Key: "max", Value: 10.5}}, of("there", "2d")),
		index("wildcard", with("wildcardProjection", bson.D{{Key: "n", Value: 1}}), up("$**")),
	}
}

// everyCollection returns commands that create collections.
func everyCollection() []bson.D {
	kind := func(name string, options ...bson.E) bson.D {
		return append(bson.D{{Key: "create", Value: name}}, options...)
	}
	return []bson.D{
		kind("capped", bson.E{Key: "capped", Value: true}, bson.E{Key: "size", Value: 8192}, bson.E{Key: "max", Value: 5}),
		kind("validated", bson.E{Key: "validator", Value: bson.D{{Key: "a", Value: bson.D{{Key: "$gt", Value: 1}}}}}, bson.E{Key: "validationLevel", Value: "moderate"}),
		kind("collated", bson.E{Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}}}),
		kind("clustered", bson.E{Key: "clusteredIndex", Value: bson.D{{Key: "key", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "unique", Value: true}}}),
		kind("view", bson.E{Key: "viewOn", Value: "numbers"}, bson.E{Key: "pipeline", Value: bson.A{bson.D{{Key: "$match", Value: bson.D{{Key: "n", Value: 3}}}}}}),
		kind("images", bson.E{Key: "changeStreamPreAndPostImages", Value: bson.D{{Key: "enabled", Value: true}}}),
	}
}

// content is all that a database holds, by name: the options, indexes and documents
// of its collections, in an order that does not depend on how they came there.
type content map[string][]bson.Raw

// read returns what a database holds.
func read(t *testing.T, db *mongo.Database) content {
	t.Helper()
	ctx := t.Context()
	c := content{}
	specs, err := db.ListCollectionSpecifications(ctx, bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		if strings.HasPrefix(spec.Name, "system.") {
			continue
		}
		coll := db.Collection(spec.Name)
		c[spec.Name+": options"] = []bson.Raw{bson.Raw(spec.Options)}
		c[spec.Name+": documents"] = all(t, func() (*mongo.Cursor, error) {
			return coll.Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetHint("_id_"))
		})
		if spec.Type == "view" {
			continue
		}
		indexes := all(t, func() (*mongo.Cursor, error) { return coll.Indexes().List(ctx) })
		slices.SortFunc(indexes, func(a, b bson.Raw) int {
			return strings.Compare(a.Lookup("name").StringValue(), b.Lookup("name").StringValue())
		})
		c[spec.Name+": indexes"] = indexes
	}
	return c
}

func all(t *testing.T, open func() (*mongo.Cursor, error)) []bson.Raw {
	t.Helper()
	cursor, err := open()
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	return docs
}

// compare tells where got is not, byte for byte, what want is.
func (want content) compare(t *testing.T, got content) {
	t.Helper()
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s were not there", name)
		}
	}
	for name, list := range want {
		if len(got[name]) != len(list) {
			t.Errorf("%s: %d, not %d", name, len(got[name]), len(list))
			continue
		}
		for i, doc := range list {
			if !bytes.Equal(doc, got[name][i]) {
				t.Errorf("%s: %.2000s\n   was %.2000s", name, got[name][i], doc)
				break
			}
		}
	}
}
