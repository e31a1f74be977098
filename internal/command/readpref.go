package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

var readPreference = lenientFields("readPreference",
	Field{Name: "mode", Type: Text, Required: true},
	Field{Name: "tags", Type: Array},
	Field{Name: "maxStalenessSeconds", Type: Types{of: []bsonx.Type{bsonx.TypeDouble, bsonx.TypeDecimal, bsonx.TypeInt64, bsonx.TypeInt32}}},
	Field{Name: "hedge", Type: Document})

// stalenessSecondsMin is the least staleness that may be asked for.
const stalenessSecondsMin = 90

// checkReadPreference judges a read preference. It changes nothing else: the one
// member is a primary, and whatever may read elsewhere may read here.
func checkReadPreference(doc bsonx.Doc) error {
	if doc == nil {
		return nil
	}
	a, err := readPreference.Decode(doc)
	if err != nil {
		return err
	}
	bad := func(msg string) error { return mongoerr.New(mongoerr.BadValue, msg) }
	primary := false
	switch mode := a.Str("mode"); mode {
	case "primary":
		primary = true
	case "primaryPreferred", "secondary", "secondaryPreferred", "nearest":
	default:
		return mongoerr.Newf(mongoerr.BadValue, "Enumeration value '%s' for field 'readPreference.mode' is not a valid value.", mode)
	}
	switch stale := a.Int("maxStalenessSeconds", 0); {
	case stale < 0:
		return bad("maxStalenessSeconds must be a non-negative integer")
	case primary && tagged(a.Doc("tags")):
		return bad("Only empty tags are allowed with primary read preference")
	case primary && stale > 0:
		return bad("maxStalenessSeconds can not be set for the primary mode")
	case stale > 0 && stale < stalenessSecondsMin:
		return mongoerr.Newf(mongoerr.MaxStalenessOutOfRange, "maxStalenessSeconds value cannot be less than %d", stalenessSecondsMin)
	}
	if hedge := a.Doc("hedge"); primary && hedge != nil {
		if on := bsonx.Get(hedge, "enabled"); on.Type == bsonx.TypeMissing || !isFalse(on) {
			return mongoerr.New(mongoerr.InvalidOptions, `cannot enable hedging for $readPreference mode "primaryOnly"`)
		}
	}
	return nil
}

// tagged tells whether a list of tag sets asks for any tag.
func tagged(tags bsonx.Doc) bool {
	for it := bsonx.Walk(tags); it.Next(); {
		if v := it.Value(); v.Type == bsonx.TypeDocument && !isEmpty(v) {
			return true
		}
	}
	return false
}
