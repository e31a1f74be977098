package plan

import "github.com/pandodb/pando/internal/bsonx"

// References lists the collections of the same database that stages read beside
// their input, those within other stages too. It goes by the text alone.
func References(stages []bsonx.Doc) (names []string) {
	for _, doc := range stages {
		name, spec := bsonx.First(doc)
		from := ""
		switch name {
		case "$lookup", "$graphLookup":
			from = "from"
		case "$unionWith":
			from = "coll"
		case "$facet":
			for _, v := range inner(spec) {
				names = append(names, References(stagesIn(v))...)
			}
			continue
		default:
			continue
		}
		if spec.Type == bsonx.TypeString {
			names = append(names, bsonx.Str(spec))
			continue
		}
		for field, v := range inner(spec) {
			switch {
			case field == from && v.Type == bsonx.TypeString:
				names = append(names, bsonx.Str(v))
			case field == "pipeline":
				names = append(names, References(stagesIn(v))...)
			}
		}
	}
	return names
}

// inner are the fields of a document; none of anything else.
func inner(v bsonx.Value) func(func(string, bsonx.Value) bool) {
	if v.Type != bsonx.TypeDocument {
		return bsonx.All(bsonx.Empty)
	}
	return bsonx.All(bsonx.AsDoc(v))
}

func stagesIn(v bsonx.Value) []bsonx.Doc {
	stages, err := Stages(v)
	if err != nil {
		return nil
	}
	return stages
}
