package command

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

var readPreference = lenientFields("readPreference",
	Field{Name: "mode", Type: Text, Required: true},
	Field{Name: "tags", Type: Array},
	Field{Name: "maxStalenessSeconds", Type: Types{of: []bsonx.Type{bsonx.TypeDouble, bsonx.TypeDecimal, bsonx.TypeInt64, bsonx.TypeInt32}}},
	Field{Name: "hedge", Type: Document})

var hedging = NewFields("readPreference.hedge", Field{Name: "enabled", Type: Truthy})

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
	case stale > 0 && stale < stalenessSecondsMin:
		return mongoerr.Newf(mongoerr.MaxStalenessOutOfRange, "maxStalenessSeconds value cannot be less than %d", stalenessSecondsMin)
	case stale == math.MaxInt64:
		return bad("maxStalenessSeconds value cannot exceed 9223372036854775807")
	case primary && stale > 0:
		return bad("maxStalenessSeconds can not be set for the primary mode")
	}
	if doc := a.Doc("hedge"); doc != nil {
		hedge, err := hedging.Decode(doc)
		if err != nil {
			return err
		}
		if primary && hedge.Bool("enabled", true) {
			return mongoerr.New(mongoerr.InvalidOptions, `cannot enable hedging for $readPreference mode "primaryOnly"`)
		}
	}
	return nil
}

// tagged tells whether a list of tag sets is more than the one that every member has.
func tagged(tags bsonx.Doc) bool {
	_, first := bsonx.First(tags)
	return bsonx.Len(tags) > 1 || !bsonx.IsMissing(first) && !isEmpty(first)
}
