package command

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The messages are the reference server's.
func TestDecodeErrors(t *testing.T) {
	spec := &Spec{Name: "thing", Fields: NewFields("thing",
		Field{Name: "must", Type: Text, Required: true},
		Field{Name: "n", Type: Integer, Bounded: true},
		Field{Name: "list", Type: Array},
		Field{Name: "later", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "maybe", Type: Document})}
	for _, c := range []struct {
		body string
		code mongoerr.Code
		msg  string
	}{
		{`{"thing": 1}`, mongoerr.IDLFailedToParse, "BSON field 'thing.must' is missing but a required field"},
		{`{"thing": 1, "must": 5}`, mongoerr.TypeMismatch, "BSON field 'thing.must' is the wrong type 'int', expected type 'string'"},
		{`{"thing": 1, "must": "x", "n": "x"}`, mongoerr.TypeMismatch, "BSON field 'thing.n' is the wrong type 'string', expected types '[long, double, decimal, int]'"},
		{`{"thing": 1, "must": "x", "n": -1}`, mongoerr.BadValue, "BSON field 'n' value must be >= 0, actual value '-1'"},
		{`{"thing": 1, "must": "x", "what": 1}`, mongoerr.IDLUnknownField, "BSON field 'thing.what' is an unknown field."},
		{`{"thing": 1, "must": "x", "later": true}`, mongoerr.NotImplemented, "thing.later is not implemented by Pando yet"},
		{`{"thing": 1, "must": "x", "later": false}`, 0, ""},
		{`{"thing": 1, "must": "x", "maybe": null}`, 0, ""},
		{`{"thing": 1, "must": "x", "txnNumber": 1}`, mongoerr.TypeMismatch, "BSON field 'thing.txnNumber' is the wrong type 'int', expected type 'long'"},
		{`{"thing": 1, "must": "x", "lsid": {}}`, mongoerr.IDLFailedToParse, "BSON field 'thing.lsid.id' is missing but a required field"},
	} {
		_, _, err := spec.parse(bsonx.MustParseJSON(c.body), nil)
		got := mongoerr.From(err)
		switch {
		case c.code == 0:
			if err != nil {
				t.Errorf("%s: %v", c.body, err)
			}
		case got == nil:
			t.Errorf("%s: no error, want %s", c.body, c.msg)
		case got.Code != c.code || got.Msg != c.msg:
			t.Errorf("%s:\n got %v %s\nwant %v %s", c.body, got.Code, got.Msg, c.code, c.msg)
		}
	}
}

func TestDecodeSequence(t *testing.T) {
	docs := []bsonx.Doc{bsonx.Empty, bsonx.Empty}
	_, a, err := insert.parse(bsonx.MustParseJSON(`{"insert": "c"}`), []Sequence{{Name: "documents", Docs: docs}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Docs("documents"); err != nil || len(got) != 2 {
		t.Errorf("%d documents, %v", len(got), err)
	}
	_, _, err = insert.parse(bsonx.MustParseJSON(`{"insert": "c", "documents": []}`), []Sequence{{Name: "documents"}})
	if e := mongoerr.From(err); e == nil || e.Code != mongoerr.IDLDuplicateField {
		t.Errorf("a section beside its field: %v", err)
	}
}

// Every command of the issue is there, and nothing is there twice.
func TestTable(t *testing.T) {
	table := newTable(commands()...)
	for _, name := range []string{
		"hello", "isMaster", "ping", "buildInfo", "whatsmyuri", "connectionStatus", "hostInfo", "getParameter", "setParameter",
		"getCmdLineOpts", "getLog", "listCommands", "serverStatus", "create", "drop", "dropDatabase", "renameCollection",
		"listDatabases", "listCollections", "listIndexes", "createIndexes", "dropIndexes", "collStats", "dbStats", "validate",
		"insert", "update", "delete", "bulkWrite", "find", "getMore", "killCursors", "findAndModify", "aggregate", "count",
		"distinct", "explain", "collMod", "currentOp", "killOp", "getDefaultRWConcern", "replSetGetStatus", "replSetGetConfig",
		"startSession", "endSessions", "refreshSessions", "killSessions", "killAllSessions", "killAllSessionsByPattern",
		"commitTransaction", "abortTransaction", "configureFailPoint",
	} {
		s := table.byName[name]
		if s == nil {
			t.Errorf("no command %s", name)
			continue
		}
		if s.Help == "" {
			t.Errorf("%s has no help", name)
		}
	}
}
