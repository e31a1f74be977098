package scenario

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

func testPrinter() *printer {
	return &printer{names: newNames(env.System(), "s1234_", "127.0.0.1:27017")}
}

// TestPrint shows that a printed document tells its types and is itself readable input.
func TestPrint(t *testing.T) {
	texts := []string{
		`{"a":1,"b":{"$numberLong":"1"},"c":1.0,"d":{"$numberDecimal":"1.0"},"e":-0.0}`,
		`{"a":{"$numberDouble":"NaN"},"b":{"$numberDouble":"-Infinity"},"c":1e+300,"d":0.1}`,
		`{"s":"<a&b> \"q\" ü","n":null,"t":true,"arr":[1,[],{}],"x":{"y":{"z":[{"w":1}]}}}`,
		`{"o":{"$oid":"507f1f77bcf86cd799439011"},"u":{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}}`,
		`{"d":{"$date":"2020-01-02T03:04:05.678Z"},"ts":{"$timestamp":{"t":1,"i":2}}}`,
		`{"r":{"$regularExpression":{"pattern":"^a","options":"i"}},"b":{"$binary":{"base64":"AQI=","subType":"80"}}}`,
		`{"c":{"$code":"f"},"cs":{"$code":"f","$scope":{"x":1}},"sy":{"$symbol":"s"},"mi":{"$minKey":1},"ma":{"$maxKey":1},"u":{"$undefined":true}}`,
	}
	for _, text := range texts {
		var d bson.D
		if err := bson.UnmarshalExtJSON([]byte(text), false, &d); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		raw, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		p := testPrinter()
		p.names.mention(d)
		if got := p.text(raw); got != text {
			t.Errorf("printed %s\nexpected %s", got, text)
		}
	}
}

// TestHide shows that nothing which differs from run to run is left in a text.
func TestHide(t *testing.T) {
	n := testPrinter().names
	n.cursor(7259222962833373079)
	n.given["507f1f77bcf86cd799439011"] = true
	for in, want := range map[string]string{
		"collection: s1234_test.c":                     "collection: test.c",
		"from 127.0.0.1:27017.":                        "from <host>.",
		"cursor id 7259222962833373079 not found":      "cursor id $cursor1 not found",
		"ObjectId('507f1f77bcf86cd799439011')":         "ObjectId('507f1f77bcf86cd799439011')",
		"ObjectId('507f1f77bcf86cd799439012')":         "ObjectId('$oid1')",
		`UUID("00112233-4455-6677-8899-aabbccddeeff")`: `UUID("$uuid1")`,
		"at Timestamp(1, 2), new Date(86400000)":       "at Timestamp(1, 2), new Date(86400000)",
	} {
		if got := n.hide(in); got != want {
			t.Errorf("%q became %q, expected %q", in, got, want)
		}
	}
}

// TestDress shows which fields a session adds.
func TestDress(t *testing.T) {
	p := testPrinter()
	f := &file{env: p.names.env, names: p.names, sessions: map[string]*session{}}
	steps := []struct {
		st   step
		in   string
		want string
	}{
		{step{session: "a"}, `{"ping":1}`, `{"ping":1,"lsid":{"id":{"$uuid":"$a"}},"$db":"test"}`},
		{step{session: "a"}, `{"startTransaction":true,"find":"c"}`, `{"find":"c","lsid":{"id":{"$uuid":"$a"}},"txnNumber":{"$numberLong":"1"},"autocommit":false,"startTransaction":true,"$db":"test"}`},
		{step{session: "a"}, `{"find":"c"}`, `{"find":"c","lsid":{"id":{"$uuid":"$a"}},"txnNumber":{"$numberLong":"1"},"autocommit":false,"$db":"test"}`},
		{step{session: "a", outside: true}, `{"find":"c"}`, `{"find":"c","lsid":{"id":{"$uuid":"$a"}},"$db":"test"}`},
		{step{session: "a"}, `{"commitTransaction":1}`, `{"commitTransaction":1,"lsid":{"id":{"$uuid":"$a"}},"txnNumber":{"$numberLong":"1"},"autocommit":false,"$db":"admin"}`},
		{step{session: "a"}, `{"find":"c"}`, `{"find":"c","lsid":{"id":{"$uuid":"$a"}},"$db":"test"}`},
		{step{session: "a", force: true}, `{"find":"c"}`, `{"find":"c","lsid":{"id":{"$uuid":"$a"}},"txnNumber":{"$numberLong":"1"},"autocommit":false,"$db":"test"}`},
		{step{session: "a"}, `{"insert":"c","txnNumber":5}`, `{"insert":"c","lsid":{"id":{"$uuid":"$a"}},"txnNumber":{"$numberLong":"5"},"$db":"test"}`},
		{step{raw: true, db: "other"}, `{"find":"c","lsid":"$a","txnNumber":1}`, `{"find":"c","lsid":{"id":{"$uuid":"$a"}},"txnNumber":1,"$db":"other"}`},
		{step{}, `{"killSessions":["$a"],"$db":"admin"}`, `{"killSessions":[{"id":{"$uuid":"$a"}}],"$db":"admin"}`},
	}
	for _, s := range steps {
		cmds, err := parseCommands(s.in)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := bson.Marshal(f.complete(cmds[0], &s.st))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.text(raw); got != s.want {
			t.Errorf("%s\nbecame   %s\nexpected %s", s.in, got, s.want)
		}
	}
}
