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
		return int64(int32(binary.BigEndian.Uint32(v.Data))) * 1000, true // signed.
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
			ms, err := mustDate(v)
			if err != nil {
				return v, err
			}
			z, err := c.zone(x, 1, x.zoneData())
			if err != nil || z == nil {
				return bsonx.Null, err
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
		if n := bsonx.Len(bsonx.AsDoc(arg)); n != 1 {
			return nil, fail(40536, "%s accepts exactly one argument if given an array, but was given %d", name, n)
		}
		args, err := sc.elements(bsonx.AsDoc(arg))
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
	args, err := sc.namedLater(bsonx.AsDoc(arg), []string{"date", "timezone", "iso8601"}, func(key string) error {
		return fail(40520, "Unrecognized argument to $dateToParts: %s", key)
	}, func(given []bsonx.Value) error {
		if bsonx.IsMissing(given[0]) {
			return fail(40522, "Missing 'date' parameter to $dateToParts")
		}
		return nil
	})
	return &call{name: name, args: args, fn: evalDateToParts, prepare: prepareZoneOrNull(1)}, err
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
	args, err := sc.namedLater(bsonx.AsDoc(arg), fromParts, func(key string) error {
		return fail(40518, "Unrecognized argument to $dateFromParts: %s", key)
	}, func(given []bsonx.Value) error {
		has := func(i int) bool { return !bsonx.IsMissing(given[i]) }
		switch {
		case !has(fromYear) && !has(fromISOYear):
			return fail(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present")
		case has(fromYear) && (has(fromISOYear) || has(fromISOWeek) || has(fromISODay)):
			return fail(40489, "$dateFromParts does not allow mixing natural dates with ISO dates")
		case has(fromISOYear) && (has(fromMonth) || has(fromDay)):
			return fail(40525, "$dateFromParts does not allow mixing ISO dates with natural dates")
		}
		return nil
	})
	return &call{name: name, args: args, fn: evalDateFromParts, prepare: prepareZoneOrNull(fromZone)}, err
}

func evalDateFromParts(c *Context, x *call) (bsonx.Value, error) {
	const lo, hi = -1 << 15, 1<<15 - 1
	const none, any = -1 << 63, 1<<63 - 1
	p := datePartsReader{c: c, x: x}
	p.read(fromHour, 0, lo, hi)
	p.read(fromMinute, 0, lo, hi)
	p.read(fromSecond, 0, none, any)
	p.read(fromMillisecond, 0, none, any)
	z := p.zone()
	iso := x.args[fromISOYear] != nil
	if iso {
		p.read(fromISOYear, 1970, none, any)
		p.read(fromISOWeek, 1, lo, hi)
		p.read(fromISODay, 1, lo, hi)
		p.year(fromISOYear, 31095)
	} else {
		p.read(fromYear, 1970, none, any)
		p.read(fromMonth, 1, lo, hi)
		p.read(fromDay, 1, lo, hi)
		p.year(fromYear, 40523)
	}
	if p.err != nil || p.null {
		return bsonx.Null, p.err
	}
	n := &p.n
	t := civil{n[fromYear], n[fromMonth], n[fromDay], n[fromHour], n[fromMinute], n[fromSecond], n[fromMillisecond]}
	if iso {
		t.year, t.month, t.day = n[fromISOYear], 1, isoDay(n[fromISOYear], n[fromISOWeek], n[fromISODay])
	}
	ms, ok := t.instant(z.loc)
	if !ok || t.millisecond > math.MaxInt64/1000 || t.millisecond < math.MinInt64/1000 { // the server counts microseconds.
		return bsonx.Missing, fail(mongoerr.DurationOverflow, "Overflow casting from a lower-precision duration to a higher-precision duration")
	}
	return c.dateValue(ms), nil
}

// datePartsReader evaluates the operands of $dateFromParts one by one, until one
// fails or is null.
type datePartsReader struct {
	c    *Context
	x    *call
	n    [len("yMdhmsSYWD")]int64
	null bool
	err  error
}

// read reads the i-th operand, def if it was not given.
func (p *datePartsReader) read(i int, def, lo, hi int64) {
	p.n[i] = def
	if p.err != nil || p.null || p.x.args[i] == nil {
		return
	}
	v, err := p.x.args[i].Eval(p.c)
	if err != nil || bsonx.IsNullish(v) {
		p.null, p.err = true, err
		return
	}
	k, ok := bsonx.ToInt64Exact(v)
	switch {
	case !ok:
		p.err = fail(40515, "'%s' must evaluate to an integer, found %s with value %s", fromParts[i], nameOf(v), ValueText(v))
	case k < lo || k > hi:
		p.err = fail(31034, "'%s' must evaluate to a value in the range [%d, %d]; value %d is not in range", fromParts[i], lo, hi, k)
	}
	p.n[i] = k
}

// year judges a year that has been read.
func (p *datePartsReader) year(i int, code mongoerr.Code) {
	if p.err == nil && !p.null && (p.n[i] < 1 || p.n[i] > 9999) {
		p.err = fail(code, "'%s' must evaluate to an integer in the range 1 to 9999, found %d", fromParts[i], p.n[i])
	}
}

func (p *datePartsReader) zone() *zone {
	if p.err != nil || p.null {
		return nil
	}
	z, err := p.c.zone(p.x, fromZone, p.x.zoneData())
	p.null, p.err = z == nil, err
	return z
}

// isoDay is an ISO week date as a day of January, however far beyond.
func isoDay(year, week, day int64) int64 {
	jan4 := daysFromCivil(year, 1, 4)
	monday := jan4 - floorMod(jan4+3, 7) // day 0 was a Thursday.
	return monday - daysFromCivil(year, 1, 1) + 1 + (week-1)*7 + day - 1
}
