package expr

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// dateOf is the instant of a date, or of a timestamp's or ObjectId's seconds.
func dateOf(v bsonx.Value) (ms int64, ok bool) {
	switch v.Type {
	case bsonx.TypeDate:
		return bsonx.AsInt64(v), true
	case bsonx.TypeTimestamp:
		return int64(uint64(bsonx.AsInt64(v))>>32) * 1000, true
	case bsonx.TypeObjectID:
		return int64(binary.BigEndian.Uint32(v.Data)) * 1000, true
	}
	return 0, false
}

func mustDate(v bsonx.Value) (int64, error) {
	ms, ok := dateOf(v)
	if !ok {
		return 0, fail(16006, "can't convert from BSON type %s to Date", nameOf(v))
	}
	return ms, nil
}

// local is an instant as a zone's clocks show it.
func (z *zone) local(ms int64) time.Time { return time.UnixMilli(ms).In(z.loc) }

// datePart is an operator for one part of a date: its operand is the date, or
// {date, timezone}.
func datePart(part func(time.Time) int) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		args, err := sc.dateAndZone(name, arg)
		if err != nil {
			return nil, err
		}
		return &call{name: name, args: args, prepare: prepareZoneAt(1), fn: func(c *Context, x *call) (bsonx.Value, error) {
			v, err := x.args[0].Eval(c)
			if err != nil || bsonx.IsNullish(v) {
				return bsonx.Null, err
			}
			z, err := c.zone(x, 1, x.zoneData())
			if err != nil || z == nil {
				return bsonx.Null, err
			}
			ms, err := mustDate(v)
			if err != nil {
				return v, err
			}
			n := part(z.local(ms))
			if x.name == "$isoWeekYear" {
				return c.int64Value(int64(n)), nil // the one part that is a long.
			}
			return c.int32Value(int32(n)), nil
		}}, nil
	}
}

func (sc *Scope) dateAndZone(name string, arg bsonx.Value) ([]Expr, error) {
	switch arg.Type {
	case bsonx.TypeArray:
		args, err := sc.elements(bsonx.AsDoc(arg))
		if err == nil && len(args) != 1 {
			err = fail(40536, "%s accepts exactly one argument if given an array, but was given %d", name, len(args))
		}
		return append(args, nil), err
	case bsonx.TypeDocument:
		if key, _ := bsonx.First(bsonx.AsDoc(arg)); strings.HasPrefix(key, "$") {
			break
		}
		args, err := sc.named(bsonx.AsDoc(arg), []string{"date", "timezone"}, func(key string) error {
			return fail(40535, "unrecognized option to %s: \"%s\"", name, key)
		})
		if err == nil && args[0] == nil {
			err = fail(40539, "missing 'date' argument to %s, provided: %s: %s", name, name, bsonx.ShellString(arg))
		}
		return args, err
	}
	e, err := sc.operand(arg)
	return []Expr{e, nil}, err
}

// sundayWeek is the week of the year, 0 to 53; weeks begin on Sundays, the first
// with the year's first.
func sundayWeek(t time.Time) int { return (t.YearDay() + 6 - int(t.Weekday())) / 7 }

// isoWeekday counts from Monday, 1, to Sunday, 7.
func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

func buildDateToParts(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(40524, "$dateToParts only supports an object as its argument")
	}
	args, err := sc.named(bsonx.AsDoc(arg), []string{"date", "timezone", "iso8601"}, func(key string) error {
		return fail(40520, "Unrecognized argument to $dateToParts: %s", key)
	})
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, fail(40522, "Missing 'date' parameter to $dateToParts")
	}
	return &call{name: name, args: args, fn: evalDateToParts, prepare: prepareZoneAt(1)}, nil
}

var (
	partNames    = []string{"year", "month", "day", "hour", "minute", "second", "millisecond"}
	isoPartNames = []string{"isoWeekYear", "isoWeek", "isoDayOfWeek", "hour", "minute", "second", "millisecond"}
)

func evalDateToParts(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	z, err := c.zone(x, 1, x.zoneData())
	if err != nil || z == nil {
		return bsonx.Null, err
	}
	iso := false
	if x.args[2] != nil {
		w, err := x.args[2].Eval(c)
		switch {
		case err != nil:
			return v, err
		case bsonx.IsNullish(w):
			return bsonx.Null, nil
		case w.Type != bsonx.TypeBool:
			return v, fail(40521, "iso8601 must evaluate to a bool, found %s", nameOf(w))
		}
		iso = bsonx.AsBool(w)
	}
	if bsonx.IsNullish(v) {
		return bsonx.Null, nil
	}
	ms, err := mustDate(v)
	if err != nil {
		return v, err
	}
	t := z.local(ms)
	names := partNames
	parts := [7]int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1e6}
	if iso {
		names = isoPartNames
		parts[0], parts[1] = t.ISOWeek()
		parts[2] = isoWeekday(t)
	}
	mark := len(c.stack)
	for _, n := range parts {
		c.stack = append(c.stack, c.int32Value(int32(n)))
	}
	o := c.object(names, c.stack[mark:])
	c.stack = c.stack[:mark]
	return o, nil
}

// The operands of $dateFromParts, by place.
const (
	fromYear = iota
	fromMonth
	fromDay
	fromHour
	fromMinute
	fromSecond
	fromMillisecond
	fromISOYear
	fromISOWeek
	fromISODay
	fromZone
)

var fromParts = []string{"year", "month", "day", "hour", "minute", "second", "millisecond", "isoWeekYear", "isoWeek", "isoDayOfWeek", "timezone"}

func buildDateFromParts(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(40519, "$dateFromParts only supports an object as its argument")
	}
	args, err := sc.named(bsonx.AsDoc(arg), fromParts, func(key string) error {
		return fail(40518, "Unrecognized argument to $dateFromParts: %s", key)
	})
	switch {
	case err != nil:
		return nil, err
	case args[fromYear] == nil && args[fromISOYear] == nil:
		return nil, fail(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present")
	case args[fromYear] != nil && (args[fromISOYear] != nil || args[fromISOWeek] != nil || args[fromISODay] != nil):
		return nil, fail(40489, "$dateFromParts does not allow mixing natural dates with ISO dates")
	case args[fromISOYear] != nil && (args[fromMonth] != nil || args[fromDay] != nil):
		return nil, fail(40525, "$dateFromParts does not allow mixing ISO dates with natural dates")
	}
	return &call{name: name, args: args, fn: evalDateFromParts, prepare: prepareZoneAt(fromZone)}, nil
}

func evalDateFromParts(c *Context, x *call) (bsonx.Value, error) {
	z, err := c.zone(x, fromZone, x.zoneData())
	if err != nil || z == nil {
		return bsonx.Null, err
	}
	var n [len("yMdhmsSYWD")]int64
	null := false
	part := func(i int, def, lo, hi int64) error {
		n[i] = def
		if x.args[i] == nil {
			return nil
		}
		v, err := x.args[i].Eval(c)
		if err != nil {
			return err
		}
		if bsonx.IsNullish(v) {
			null = true
			return nil
		}
		k, ok := bsonx.ToInt64Exact(v)
		if !ok {
			return fail(40515, "'%s' must evaluate to an integer, found %s with value %s", fromParts[i], nameOf(v), valueText(v))
		}
		n[i] = k
		if k >= lo && k <= hi {
			return nil
		}
		switch i {
		case fromYear:
			return fail(40523, "'year' must evaluate to an integer in the range 1 to 9999, found %d", k)
		case fromISOYear:
			return fail(31095, "'isoWeekYear' must evaluate to an integer in the range 1 to 9999, found %d", k)
		}
		return fail(31034, "'%s' must evaluate to a value in the range [%d, %d]; value %d is not in range", fromParts[i], lo, hi, k)
	}
	const lo, hi = -1 << 15, 1<<15 - 1
	const none, any = -1 << 63, 1<<63 - 1
	iso := x.args[fromISOYear] != nil
	bounds := [...][4]int64{
		{fromYear, 1970, 1, 9999}, {fromMonth, 1, lo, hi}, {fromDay, 1, lo, hi}, {fromISOYear, 1970, 1, 9999}, {fromISOWeek, 1, lo, hi}, {fromISODay, 1, lo, hi},
		{fromHour, 0, lo, hi}, {fromMinute, 0, lo, hi}, {fromSecond, 0, none, any}, {fromMillisecond, 0, none, any},
	}
	for _, b := range bounds {
		if err := part(int(b[0]), b[1], b[2], b[3]); err != nil {
			return bsonx.Missing, err
		}
		if null {
			return bsonx.Null, nil
		}
	}
	if n[fromSecond] > math.MaxInt64/1000 || n[fromSecond] < math.MinInt64/1000 {
		return bsonx.Missing, fail(mongoerr.DurationOverflow, "Overflow casting from a lower-precision duration to a higher-precision duration")
	}
	t := civil{n[fromYear], n[fromMonth], n[fromDay], n[fromHour], n[fromMinute], n[fromSecond], n[fromMillisecond]}
	if iso {
		t.year, t.month, t.day = n[fromISOYear], 1, isoDay(n[fromISOYear], n[fromISOWeek], n[fromISODay])
	}
	return c.dateValue(t.unixMilli(z.loc)), nil
}

// isoDay is an ISO week date as a day of January, however far beyond.
func isoDay(year, week, day int64) int64 {
	jan4 := daysFromCivil(year, 1, 4)
	monday := jan4 - floorMod(jan4+3, 7) // day 0 was a Thursday.
	return monday - daysFromCivil(year, 1, 1) + 1 + (week-1)*7 + day - 1
}
