package bsonx

import (
	"bufio"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestShellStringAsRecorded(t *testing.T) {
	f, err := os.Open("testdata/shellstring.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		element, quoted, ok := strings.Cut(lines.Text(), " ")
		if !ok || element == "#" {
			continue
		}
		want, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", quoted, err)
		}
		b, err := hex.DecodeString(element)
		if err != nil {
			t.Fatal(err)
		}
		d := wrap(b)
		if err := Validate(d, DepthMax); err != nil {
			t.Fatalf("%s: %v", element, err)
		}
		if got := ShellKey(d); got != want {
			t.Errorf("%s:\n got %s\nwant %s", element, got, want)
		}
	}
}

// wrap makes a document of encoded elements.
func wrap(elements ...[]byte) Doc {
	b := []byte{0, 0, 0, 0}
	for _, e := range elements {
		b = append(b, e...)
	}
	b = append(b, 0)
	b[0], b[1] = byte(len(b)), byte(len(b)>>8)
	return b
}

// The messages were told by the reference server.
func TestValidateRefuses(t *testing.T) {
	const unknown = " in element with field name 'a' in object with unknown _id"
	for _, c := range []struct {
		doc  Doc
		want string
	}{
		{wrap([]byte("\x08a\x00\x02")), "BSON bool is neither false nor true" + unknown},
		{wrap([]byte("\x02a\x00\x02\x00\x00\x00ab")), "Not null terminated string" + unknown},
		{wrap([]byte("\x02a\x00\x00\x00\x00\x00")), "Not null terminated string" + unknown},
		{wrap([]byte("\x02a\x00\xff\x00\x00\x00a\x00")), "BSON size is larger than buffer size" + unknown},
		{wrap([]byte("\x20a\x00")), "Unrecognized BSON type 32" + unknown},
		{wrap([]byte("\x05a\x00\xff\xff\xff\xff\x00")), "BSON size is larger than buffer size" + unknown},
		{wrap([]byte("\x10a\x00\x20")), "BSON size is larger than buffer size" + unknown},
		{wrap([]byte("\x07a\x00\x20")), "BSON size is larger than buffer size" + unknown},
		{wrap([]byte("\x0ba\x00x")), "BSON size is larger than buffer size" + unknown},
		{wrap([]byte("\x0ca\x00\x02\x00\x00\x00a\x00aaa")), "BSON size is larger than buffer size" + unknown},
		{wrap([]byte("\x10_id\x00\x01\x00\x00\x00"), []byte("\x08a\x00\x02")),
			"BSON bool is neither false nor true in element with field name 'a' in object with _id: 1"},
		{wrap([]byte("\x04b\x00"), wrap([]byte("\x100\x00\x01\x00\x00\x00"), []byte("\x081\x00\x02"))),
			"BSON bool is neither false nor true in element with field name 'b.1' in object with unknown _id"},
		{Doc{5, 0, 0, 0}, "BSON size is larger than buffer size in object with unknown _id"},
		{Doc{5, 0, 0, 0, 0, 0}, "incorrect BSON length in object with unknown _id"},
		{Doc{5, 0, 0, 0, 1}, "incorrect BSON length in object with unknown _id"},
		{wrap([]byte("\x10a")), "incorrect BSON length in object with unknown _id"},
	} {
		err := Validate(c.doc, DepthMax)
		if err == nil || err.Error() != c.want {
			t.Errorf("%x:\n got %v\nwant %s", []byte(c.doc), err, c.want)
		}
	}
}

func TestValidateDepth(t *testing.T) {
	d := Empty
	for range DepthMax {
		d = wrap([]byte("\x03a\x00"), d)
	}
	if err := Validate(d, DepthMax); err != nil {
		t.Error(err)
	}
	if err := Validate(wrap([]byte("\x04a\x00"), d), DepthMax); !errors.Is(err, ErrTooDeep) {
		t.Error(err)
	}
}

func TestJSONBothWays(t *testing.T) {
	for _, s := range []string{
		`{"b":{"$numberInt":"1"},"a":{"$numberLong":"2"},"c":{"$numberDouble":"1.0"},"d":{"$numberDecimal":"1.50"}}`,
		`{"a":[{"$oid":"000102030405060708090a0b"},{"$date":{"$numberLong":"-1"}},null,true,"x\n<"]}`,
		`{"a":{"$symbol":"s"},"b":{"$undefined":true},"c":{"$minKey":1},"d":{"$maxKey":1},"e":{"$timestamp":{"t":1,"i":2}}}`,
		`{"a":{"$code":"f()"},"b":{"$code":"f()","$scope":{"x":{"$numberInt":"1"}}},"c":{"$regularExpression":{"pattern":"a","options":"i"}}}`,
		`{"a":{"$binary":{"base64":"YWJj","subType":"80"}},"b":{"$dbPointer":{"$ref":"c","$id":{"$oid":"000102030405060708090a0b"}}}}`,
	} {
		d, err := ParseJSON(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if got := ToCanonicalJSON(d); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
	}
	if _, err := ParseJSON(`{"a":`); err == nil {
		t.Error("half a document was read")
	}
	if v, err := ParseJSONValue(`[1, "x"]`); err != nil || ValueToJSON(v) != `[1,"x"]` {
		t.Error(v, err)
	}
}

func TestPaths(t *testing.T) {
	d := MustParseJSON(`{"a": {"b": {"c": 1}}, "x": [{"b": 2}]}`)
	for path, want := range map[string]string{
		"a.b.c": "1", "a.b": `{"c":1}`, "a.z": "missing", "a.b.c.d": "missing", "x.b": "missing", "x": `[{"b":2}]`, "": "missing",
	} {
		if got := ValueToJSON(Lookup(d, path)); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}
