package keyenc

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/testenv"
)

var (
	record = flag.Bool("record", false, "write testdata/order.txt anew from the reference server")
	seed   = flag.Int("seed", 0, "where the values for the reference server begin")
)

// orderFile holds values in the order of the reference server: on each line a
// rank, the same for values that it takes for equal, and in hexadecimal a
// document whose only field is the value.
const orderFile = "testdata/order.txt"

// ranked is a value and its place.
type ranked struct {
	rank int
	doc  bsonx.Doc
}

func (r ranked) value() bsonx.Value {
	_, v := bsonx.First(r.doc)
	return v
}

func TestOrderAsRecorded(t *testing.T) {
	f, err := os.Open(orderFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []ranked
	for lines := bufio.NewScanner(f); lines.Scan(); {
		rank, doc, ok := strings.Cut(lines.Text(), " ")
		if !ok || rank == "#" {
			continue
		}
		n, err := strconv.Atoi(rank)
		if err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := bsonx.Validate(b, bsonx.DepthMax); err != nil {
			t.Fatal(err)
		}
		list = append(list, ranked{n, b})
	}
	if len(list) < 500 {
		t.Fatalf("%s holds %d values", orderFile, len(list))
	}
	checkRanks(t, list)
}

// checkRanks compares each value with all others.
func checkRanks(t *testing.T, list []ranked) {
	t.Helper()
	for i, a := range list {
		for _, b := range list[i:] {
			want := cmp.Compare(a.rank, b.rank)
			if got := bsonx.Compare(a.value(), b.value()); got != want {
				t.Errorf("%s and %s: %d, the reference says %d", show(a.value()), show(b.value()), got, want)
			}
			checkOrder(t, a.value(), b.value())
		}
	}
}

func show(v bsonx.Value) string {
	return fmt.Sprintf("%s %s (%x)", bsonx.TypeName(v.Type), bsonx.ShellString(v), v.Data)
}

// TestOrderOfReference asks the reference server to sort random values. It runs
// if PANDO_REFERENCE_URI says where that is; -seed gives other values, -record
// keeps them.
func TestOrderOfReference(t *testing.T) {
	ctx := context.Background()
	coll := golden.Connect(t, testenv.Reference(t)).Database("keyenc").Collection("order")
	defer coll.Drop(ctx)
	values := make([]bsonx.Value, 1000)
	for i := range values {
		if i%2 == 0 {
			values[i] = genValue(2).Example(*seed + i)
		} else {
			values[i] = genNumber.Example(*seed + i)
		}
	}
	list := rankByReference(t, coll, values)
	checkRanks(t, list)
	checkIndexOrder(t, coll, values)
	if *record {
		writeOrder(t, list)
	}
}

// rankByReference has the server rank the values. They lie within documents, so
// that arrays are compared as what they are.
func rankByReference(t *testing.T, coll *mongo.Collection, values []bsonx.Value) []ranked {
	t.Helper()
	ctx := context.Background()
	if err := coll.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	var docs []any
	for i, v := range values {
		b := bsonx.NewBuilder(nil)
		b.Int32("_id", int32(i))
		b.OpenDoc("d")
		b.Value("v", v)
		b.Close()
		docs = append(docs, bson.Raw(b.Doc()))
	}
	if _, err := coll.InsertMany(ctx, docs); err != nil {
		t.Fatal(err)
	}
	cursor, err := coll.Aggregate(ctx, mongo.Pipeline{
		{{Key: "$setWindowFields", Value: bson.D{
			{Key: "sortBy", Value: bson.D{{Key: "d", Value: 1}}},
			{Key: "output", Value: bson.D{{Key: "rank", Value: bson.D{{Key: "$denseRank", Value: bson.D{}}}}}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []ranked
	for cursor.Next(ctx) {
		d := bsonx.Doc(slices.Clone(cursor.Current))
		n, _ := bsonx.ToInt64Exact(bsonx.Get(d, "rank"))
		list = append(list, ranked{int(n), bsonx.AsDoc(bsonx.Get(d, "d"))})
	}
	if cursor.Err() != nil || len(list) != len(values) {
		t.Fatal(len(list), cursor.Err())
	}
	return list
}

// checkIndexOrder reads the values along an index, where the server compares
// encoded keys and no longer values.
func checkIndexOrder(t *testing.T, coll *mongo.Collection, values []bsonx.Value) {
	t.Helper()
	ctx := context.Background()
	key := bson.D{{Key: "d", Value: 1}}
	if _, err := coll.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: key}); err != nil {
		t.Fatal(err)
	}
	cursor, err := coll.Find(ctx, bson.D{}, options.Find().SetHint(key).SetSort(key))
	if err != nil {
		t.Fatal(err)
	}
	last := bsonx.Value{Type: bsonx.TypeMinKey}
	for cursor.Next(ctx) {
		n, _ := bsonx.ToInt64Exact(bsonx.Get(bsonx.Doc(cursor.Current), "_id"))
		v := values[n]
		if bsonx.Compare(last, v) > 0 {
			t.Errorf("the reference's index has %s before %s", show(last), show(v))
		}
		last = v
	}
	if cursor.Err() != nil {
		t.Fatal(cursor.Err())
	}
}

func writeOrder(t *testing.T, list []ranked) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Written by go test -run TestOrderOfReference -record; see reference_test.go.\n")
	for _, r := range list {
		fmt.Fprintf(&b, "%d %x\n", r.rank, []byte(r.doc))
	}
	if err := os.WriteFile(orderFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
