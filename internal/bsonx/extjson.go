package bsonx

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ParseJSON reads one document of relaxed or canonical extended JSON into fresh
// bytes. The order of fields is kept, and a field that comes twice stays twice.
func ParseJSON(s string) (Doc, error) {
	var raw bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(s), false, &raw); err != nil {
		return nil, fmt.Errorf("extended JSON: %w", err)
	}
	if err := Validate(raw, DepthMax); err != nil {
		return nil, fmt.Errorf("extended JSON: %w", err)
	}
	return Doc(raw), nil
}

// ParseJSONValue reads one value of extended JSON: a document, an array or a scalar.
func ParseJSONValue(s string) (Value, error) {
	d, err := ParseJSON(`{"v":` + s + `}`)
	if err != nil {
		return Missing, err
	}
	_, v := First(d)
	return v, nil
}

// MustParseJSON is ParseJSON for text that is part of the program: it panics on
// text that is none.
func MustParseJSON(s string) Doc {
	d, err := ParseJSON(s)
	if err != nil {
		panic("bsonx: " + err.Error())
	}
	return d
}

// ToJSON writes a document as relaxed extended JSON, for logs and tests. The
// types of numbers are lost; [ToCanonicalJSON] keeps them.
func ToJSON(d Doc) string { return toJSON(d, false) }

// ToCanonicalJSON writes a document as canonical extended JSON: read back, it is
// the same document, but for the names in arrays and for strings that are no UTF-8.
func ToCanonicalJSON(d Doc) string { return toJSON(d, true) }

func toJSON(d Doc, canonical bool) string {
	b, err := bson.MarshalExtJSON(bson.Raw(d), canonical, false)
	if err != nil { // not a document, or one with bytes that JSON cannot hold.
		return fmt.Sprintf("(no JSON: %v: %x)", err, []byte(d))
	}
	return string(b)
}

// ValueToJSON writes one value as relaxed extended JSON; a missing one as "missing".
func ValueToJSON(v Value) string {
	if IsMissing(v) {
		return "missing"
	}
	b := NewBuilder(nil)
	b.Value("v", v)
	s := ToJSON(b.Doc())
	const before, after = `{"v":`, `}`
	return s[len(before) : len(s)-len(after)]
}
