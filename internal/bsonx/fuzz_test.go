package bsonx

import "testing"

// FuzzValidate holds Validate to its promise: what it accepts can be walked,
// compared and printed.
func FuzzValidate(f *testing.F) {
	f.Add([]byte(Empty))
	f.Add([]byte(MustParseJSON(`{"a": [1, {"b": "x"}, {"$code": "f", "$scope": {"y": null}}], "c": {"$regularExpression": {"pattern": "a", "options": "i"}}}`)))
	f.Add([]byte(MustParseJSON(`{"a": {"$numberDecimal": "1.5"}, "b": {"$binary": {"base64": "AAAA", "subType": "02"}}, "c": {"$dbPointer": {"$ref": "c", "$id": {"$oid": "000102030405060708090a0b"}}}}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Validate(b, DepthMax) != nil {
			return
		}
		if CompareDocs(b, b) != 0 {
			t.Error("a document differs from itself")
		}
		_ = ShellKey(b)
		_ = ToCanonicalJSON(b)
	})
}
