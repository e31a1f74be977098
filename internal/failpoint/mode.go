package failpoint

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// parseMode reads configureFailPoint's mode.
func parseMode(v bsonx.Value) (point, error) {
	switch v.Type {
	case bsonx.TypeMissing:
		return point{}, mongoerr.New(mongoerr.IllegalOperation, "When setting a failpoint, you must supply a 'mode'")
	case bsonx.TypeString:
		switch word := bsonx.Str(v); word {
		case "off":
			return point{}, nil
		case "alwaysOn":
			return point{mode: alwaysOn}, nil
		default:
			return point{}, mongoerr.Newf(mongoerr.BadValue, "unknown mode: %s", word)
		}
	case bsonx.TypeDocument:
		return parseModeDoc(bsonx.AsDoc(v))
	}
	return point{}, mongoerr.New(mongoerr.TypeMismatch, "'mode' must be a string or JSON object")
}

func parseModeDoc(doc bsonx.Doc) (point, error) {
	if v := bsonx.Get(doc, "times"); !bsonx.IsMissing(v) {
		n, err := parseCount("times", v)
		return point{mode: times, left: n}, err
	}
	if v := bsonx.Get(doc, "skip"); !bsonx.IsMissing(v) {
		n, err := parseCount("skip", v)
		return point{mode: skip, left: n}, err
	}
	if v := bsonx.Get(doc, "activationProbability"); !bsonx.IsMissing(v) {
		f, ok := number(v)
		switch {
		case !ok:
			return point{}, mongoerr.New(mongoerr.TypeMismatch, "the 'activationProbability' option to 'mode' must be a double between 0 and 1")
		case !(f >= 0 && f <= 1):
			return point{}, mongoerr.Newf(mongoerr.BadValue, "activationProbability must be between 0.0 and 1.0; found %v", f)
		}
		return point{mode: chance, chance: f}, nil
	}
	return point{}, mongoerr.New(mongoerr.BadValue, "'mode' must be one of 'off', 'alwaysOn', '{times:n}', '{skip:n}' or '{activationProbability:p}'")
}

func parseCount(name string, v bsonx.Value) (int64, error) {
	f, ok := number(v)
	switch {
	case !ok:
		return 0, mongoerr.Newf(mongoerr.TypeMismatch, "Expected field %q to have numeric type, but found %s", name, bsonx.TypeName(v.Type))
	case f != math.Trunc(f) || math.Abs(f) >= 1<<63:
		return 0, mongoerr.Newf(mongoerr.BadValue, "Expected field %q to have a value exactly representable as a 64-bit integer, but found %s: %v", name, name, f)
	case f < 0:
		return 0, mongoerr.Newf(mongoerr.BadValue, "'%s' option to 'mode' must be positive", name)
	case f > math.MaxInt32:
		return 0, mongoerr.Newf(mongoerr.BadValue, "'%s' option to 'mode' is too large", name)
	}
	return int64(f), nil
}

// number reads a number of the three binary types. A decimal is not one here:
// no test sends it.
func number(v bsonx.Value) (float64, bool) {
	switch v.Type {
	case bsonx.TypeInt32:
		return float64(bsonx.AsInt32(v)), true
	case bsonx.TypeInt64:
		return float64(bsonx.AsInt64(v)), true
	case bsonx.TypeDouble:
		return bsonx.AsDouble(v), true
	}
	return 0, false
}
