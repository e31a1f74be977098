package expr

import (
	"time"
	_ "time/tzdata" // a server has the same zones wherever it runs.

	"github.com/pandodb/pando/internal/bsonx"
)

// zone is a time zone: by its Olson name, or a fixed offset.
type zone struct {
	loc *time.Location
	utc bool // what the server counts as UTC, and prints with a Z.
}

// parseZone reads an Olson name, or ±HH, ±HHMM, ±HH:MM. The digits of an
// offset are not checked further, as the server does not.
func parseZone(s string) (*zone, error) {
	if offset, ok := parseOffset(s); ok {
		return &zone{loc: time.FixedZone("", offset), utc: offset == 0}, nil
	}
	if s != "" && s != "Local" && s[0] != '+' && s[0] != '-' {
		if loc, err := time.LoadLocation(s); err == nil {
			return &zone{loc: loc, utc: s == "UTC"}, nil
		}
	}
	return nil, fail(40485, "unrecognized time zone identifier: \"%s\"", s)
}

// parseOffset reads ±HH, ±HHMM and ±HH:MM, in seconds.
func parseOffset(s string) (int, bool) {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	digits := s[1:]
	if len(digits) == 5 && digits[2] == ':' {
		digits = digits[:2] + digits[3:]
	}
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	offset := (int(digits[0]-'0')*10 + int(digits[1]-'0')) * 3600
	if len(digits) == 4 {
		offset += (int(digits[2]-'0')*10 + int(digits[3]-'0')) * 60
	}
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// prepareZone resolves the zone of the i-th operand if that is constant.
func (x *call) prepareZone(i int) (*zone, error) {
	if x.args[i] == nil {
		return &zone{loc: time.UTC, utc: true}, nil
	}
	v, ok := IsConstant(x.args[i])
	if !ok || bsonx.IsNullish(v) {
		return nil, nil
	}
	if v.Type != bsonx.TypeString {
		return nil, fail(40517, "timezone must evaluate to a string, found %s", nameOf(v))
	}
	return parseZone(bsonx.Str(v))
}

// zoneData is what prepareZone gave; nil if it was not asked, or could not tell.
func (x *call) zoneData() *zone {
	z, _ := x.data.(*zone)
	return z
}

// zone is the zone of the i-th operand, nil if that is null. fixed is what
// prepareZone gave.
func (c *Context) zone(x *call, i int, fixed *zone) (*zone, error) {
	if fixed != nil {
		return fixed, nil
	}
	if x.args[i] == nil {
		return &zone{loc: time.UTC, utc: true}, nil
	}
	v, err := x.args[i].Eval(c)
	switch {
	case err != nil:
		return nil, err
	case bsonx.IsNullish(v):
		return nil, nil
	case v.Type != bsonx.TypeString:
		return nil, fail(40517, "timezone must evaluate to a string, found %s", nameOf(v))
	}
	if z, ok := c.zones[bsonx.Str(v)]; ok {
		return z, nil
	}
	name := string([]byte(bsonx.Str(v))) // the map outlives the document.
	z, err := parseZone(name)
	if err == nil {
		if c.zones == nil || len(c.zones) > 1000 {
			c.zones = map[string]*zone{}
		}
		c.zones[name] = z
	}
	return z, err
}

// civil is a date and a time of day without a zone. Fields may be out of their
// ranges, and are then carried over.
type civil struct {
	year                              int64
	month, day                        int64
	hour, minute, second, millisecond int64
}

// unixMilli is the instant at which clocks in loc show the civil time. One that
// they skip is read with the offset before the change; of two the later is
// taken.
func (t civil) unixMilli(loc *time.Location) int64 {
	ms, _ := t.instant(loc)
	return ms
}

// instant is unixMilli, and tells whether that is within an int64.
func (t civil) instant(loc *time.Location) (ms int64, ok bool) {
	year, month := t.year+floorDiv(t.month-1, 12), floorMod(t.month-1, 12)+1
	days := daysFromCivil(year, month, 1) + t.day - 1
	local := ((days*24+t.hour)*60 + t.minute) * 60
	if local, ok = addInt64(local, t.second); !ok {
		return 0, false
	}
	seconds, rest := local-offsetAtLocal(local, loc), t.millisecond
	if seconds < 0 && rest > 0 {
		seconds, rest = seconds+1, rest-1000 // the first representable second is not whole.
	}
	if ms, ok = mulInt64(seconds, 1000); !ok {
		return 0, false
	}
	return addInt64(ms, rest)
}

// offsetAtLocal is the zone's offset in seconds when its clocks show local.
func offsetAtLocal(local int64, loc *time.Location) int64 {
	if loc == time.UTC {
		return 0
	}
	if after := offsetAt(local+86400, loc); offsetAt(local-after, loc) == after {
		return after
	}
	return offsetAt(local-86400, loc)
}

func offsetAt(unix int64, loc *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(loc).Zone()
	return int64(offset)
}

// daysFromCivil counts the days from 1970-01-01 in the proleptic Gregorian calendar.
func daysFromCivil(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// daysInMonth is the length of a month.
func daysInMonth(year, month int64) int64 {
	if month == 12 {
		return 31
	}
	return daysFromCivil(year, month+1, 1) - daysFromCivil(year, month, 1)
}
