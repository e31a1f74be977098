package docstore

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestKeys compares the keys of documents with those that the reference server
// made of them (as find with returnKey and explain show them): their number, the
// first and the last, which fields made the index multikey, or the error.
func TestKeys(t *testing.T) {
	f, err := os.Open("testdata/keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		col := strings.Split(lines.Text(), "; ")
		cases++
		want := strings.Join(col[3:], "; ")
		if got := describeKeys(t, strings.Split(col[0], ","), col[1] == "true", col[2]); got != want {
			t.Errorf("index %s sparse=%s document %s\n got %s\nwant %s", col[0], col[1], col[2], got, want)
		}
	}
	if cases < 1000 {
		t.Fatalf("only %d cases", cases)
	}
}

// describeKeys tells the keys of a document as testdata/keys.txt does.
func describeKeys(t *testing.T, paths []string, sparse bool, text string) string {
	t.Helper()
	doc, err := bsonx.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	idx := &catalog.Index{ID: 1, Sparse: sparse}
	for _, p := range paths {
		idx.Fields = append(idx.Fields, catalog.Field{Path: p})
	}
	var set entrySet
	if err := set.extract(&catalog.Collection{ID: 1}, idx, identified{doc, encodedID{key: []byte{1}}}); err != nil {
		e := mongoerr.From(err)
		return fmt.Sprintf("%d; %s", int32(e.Code), e.Msg)
	}
	tuple := func(i int) string {
		b := bsonx.NewBuilder(nil)
		for f, p := range paths {
			b.Value(p, set.vals[set.list[i].vals+f])
		}
		return bsonx.ToJSON(b.Doc())
	}
	first, last, multi := "-", "-", []string{}
	if n := len(set.list); n > 0 {
		first, last = tuple(0), tuple(n-1)
	}
	for i, p := range paths {
		if set.flags.Multikey(i) {
			multi = append(multi, p)
		}
	}
	if len(multi) == 0 {
		multi = []string{"-"}
	}
	return fmt.Sprintf("%d; %s; %s; %s", len(set.list), first, last, strings.Join(multi, ","))
}

// TestExtractAllocs: finding the entries of a document without arrays allocates
// nothing once the buffers have grown.
func TestExtractAllocs(t *testing.T) {
	doc, err := bsonx.ParseJSON(`{"_id":1,"a":"text","b":{"c":7}}`)
	if err != nil {
		t.Fatal(err)
	}
	idx := &catalog.Index{ID: 1, Fields: []catalog.Field{{Path: "a"}, {Path: "b.c", Desc: true}, {Path: "d"}}}
	var set entrySet
	coll, d := &catalog.Collection{ID: 1}, identified{doc, encodedID{key: []byte{1}}}
	extract := func() {
		if err := set.extract(coll, idx, d); err != nil || len(set.list) != 1 {
			t.Fatal(set.list, err)
		}
	}
	extract()
	if n := testing.AllocsPerRun(100, extract); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
