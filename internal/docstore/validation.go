package docstore

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/query"
)

// ValidationRule is what a collection asks of the documents that are written into it. Who
// writes for a client minds it; a transaction does not, since some may bypass it.
type ValidationRule struct {
	Validator *query.Validator

	// Moderate lets a document that did not conform before an update be as it likes.
	Moderate bool

	// Refuse and Log are what happens to others.
	Refuse, Log bool
}

// ValidationRuleOf returns the rule of a collection, or nil if it has none. It is compiled
// once for each copy of the catalog's entry, and as young as that: who relies on
// the entry relies on the rule.
func ValidationRuleOf(coll *catalog.Collection) (*ValidationRule, error) {
	made, err := coll.Derive(compileRule)
	if err != nil {
		return nil, err
	}
	return made.(*ValidationRule), nil
}

func compileRule(coll *catalog.Collection) (any, error) {
	var none *ValidationRule
	doc, level := bsonx.Get(coll.Options, "validator"), bsonx.Get(coll.Options, "validationLevel")
	if bsonx.IsMissing(doc) || coll.Kind == catalog.KindView || is(level, "off") {
		return none, nil
	}
	v, err := query.CompileValidator(bsonx.AsDoc(doc))
	if err != nil {
		return none, err
	}
	action := bsonx.Get(coll.Options, "validationAction")
	return &ValidationRule{
		Validator: v, Moderate: is(level, "moderate"),
		Refuse: !is(action, "warn"), Log: is(action, "warn") || is(action, "errorAndLog"),
	}, nil
}

func is(v bsonx.Value, word string) bool { return v.Type == bsonx.TypeString && bsonx.Str(v) == word }
