package catalog

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestIndexSpecs gives specifications one after the other to one collection and
// compares what the last comes to with what the reference server made of it.
func TestIndexSpecs(t *testing.T) {
	text, err := os.ReadFile("testdata/indexspec.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		given, want, _ := strings.Cut(strings.TrimSpace(line), " => ")
		if doc, err := bsonx.ParseJSON(want); err == nil {
			want = bsonx.ToJSON(doc)
		}
		cases++
		if got := addSpecs(t, strings.Split(given, " + ")); got != want {
			t.Errorf("%s\n got %s\nwant %s", given, got, want)
		}
	}
	if cases < 80 {
		t.Fatalf("only %d cases", cases)
	}
}

// addSpecs tells what the last of specs comes to: the index as listed, "note" if
// there is nothing to do, or the error.
func addSpecs(t *testing.T, specs []string) string {
	t.Helper()
	ctx := context.Background()
	cat, err := Open(ctx, newMemStore(), env.Seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	txn, _ := cat.store.Begin(ctx, kv.Options{})
	defer txn.Rollback()
	view := cat.View(txn)
	coll, err := view.Create(ctx, Namespace{"catalogr", "c"}, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	result := ""
	for _, text := range specs {
		spec, err := bsonx.ParseJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		before := len(coll.Indexes)
		idx, err := ParseIndex(spec)
		if err == nil {
			if after, addErr := view.AddIndex(ctx, coll, idx, StateReady); addErr != nil {
				err = addErr
			} else {
				coll = after
			}
		}
		switch {
		case err != nil:
			e := mongoerr.From(err)
			result = fmt.Sprintf("%d; %s", int32(e.Code), e.Msg)
		case len(coll.Indexes) == before:
			result = "note"
		default:
			result = bsonx.ToJSON(coll.Indexes[before].Spec)
		}
	}
	return result
}
