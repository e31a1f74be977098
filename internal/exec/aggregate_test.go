package exec

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestAggregate runs the recorded pipelines and compares with the reference server.
func TestAggregate(t *testing.T) {
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			var h *house
			var loaded goldenCase
			for _, c := range readGolden(t, path) {
				if c.directive {
					continue
				}
				if h == nil || loaded.with != c.with || loaded.other != c.other {
					h, loaded = openHouse(t), c
					h.load(t, "c", c.with)
					h.load(t, "d", c.other)
				}
				got := h.answer(t, c)
				switch {
				case c.notYet:
					if !strings.HasPrefix(got, "! 238 ") {
						t.Errorf("%s:%d: %s\n got  %s\n want a refusal", path, c.line, c.text, got)
					}
				case c.differs:
					if got == c.want {
						t.Errorf("%s:%d: %s\n does not differ", path, c.line, c.text)
					}
				case got != c.want:
					t.Errorf("%s:%d: %s\n got  %s\n want %s", path, c.line, c.text, got, c.want)
				}
			}
		})
	}
}

func (h *house) load(t *testing.T, coll, docs string) {
	t.Helper()
	list := bsonx.AsDoc(golden.Value(t, docs))
	if len(list) > len(bsonx.Empty) {
		h.index(coll)
	}
	for _, v := range bsonx.All(list) {
		h.insert(coll, bsonx.AsDoc(v))
	}
}

func (h *house) answer(t *testing.T, c goldenCase) (answer string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			answer = fmt.Sprint("panic: ", p)
		}
	}()
	ns := namespace("c")
	if c.database {
		ns.Coll = ""
	}
	docs, err := h.aggregate(ns, golden.Value(t, c.text))
	if err != nil {
		if mongoerr.From(err).Code == mongoerr.InternalError {
			return "! " + err.Error()
		}
		return golden.Refusal("!", err)
	}
	raws := make([]bson.Raw, len(docs))
	for i, d := range docs {
		raws[i] = bson.Raw(d)
	}
	return printDocs(t, raws)
}
