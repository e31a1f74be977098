package expr

import (
	"math"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// unit is a unit of time. Units up to the hour have a fixed length; the others
// depend on the calendar of a zone.
type unit int

const (
	millisecond unit = iota
	second
	minute
	hour
	day
	week
	month
	quarter
	year
)

var unitNames = []string{"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}

// length is a unit's usual length in milliseconds.
func (u unit) length() int64 {
	return [...]int64{1, 1000, 60_000, 3_600_000, 86_400_000, 7 * 86_400_000, 30 * 86_400_000, 91 * 86_400_000, 365 * 86_400_000}[u]
}

// unitOf reads the unit operand; ok is false if that is null.
func unitOf(c *Context, x *call, i int) (u unit, ok bool, err error) {
	v, err := x.args[i].Eval(c)
	switch {
	case err != nil || bsonx.IsNullish(v):
		return 0, false, err
	case v.Type != bsonx.TypeString:
		return 0, false, fail(5439013, "%s requires 'unit' to be a string, but got %s", x.name, nameOf(v))
	}
	for n, name := range unitNames {
		if name == bsonx.Str(v) {
			return unit(n), true, nil
		}
	}
	return 0, false, fail(mongoerr.FailedToParse, "%s parameter 'unit' value parsing failed :: caused by :: unknown time unit value: %s", x.name, bsonx.Str(v))
}

// startOfWeek is weekdayOf for the fifth operand, which only weeks ask for.
func (x *call) startOfWeek(c *Context, u unit) (d time.Weekday, ok bool, err error) {
	if u != week {
		return time.Sunday, true, nil
	}
	return weekdayOf(c, x, 4)
}

// weekdayOf reads the startOfWeek operand, Sunday if there is none; ok is false
// if it is null.
func weekdayOf(c *Context, x *call, i int) (d time.Weekday, ok bool, err error) {
	if x.args[i] == nil {
		return time.Sunday, true, nil
	}
	v, err := x.args[i].Eval(c)
	switch {
	case err != nil || bsonx.IsNullish(v):
		return 0, false, err
	case v.Type != bsonx.TypeString:
		return 0, false, fail(5439015, "%s requires 'startOfWeek' to be a string, but got %s", x.name, nameOf(v))
	}
	s := bsonx.Str(v)
	for d = time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()) || strings.EqualFold(s, d.String()[:3]) {
			return d, true, nil
		}
	}
	return 0, false, fail(5439016, "%s parameter 'startOfWeek' value cannot be recognized as a day of a week: %s", x.name, s)
}

func buildDateAdd(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(5166400, "%s expects an object as its argument", name)
	}
	args, err := sc.named(bsonx.AsDoc(arg), []string{"startDate", "unit", "amount", "timezone"}, func(key string) error {
		return fail(5166401, "Unrecognized argument to %s: %s. Expected arguments are startDate, unit, amount, and optionally timezone.", name, key)
	})
	if err != nil {
		return nil, err
	}
	if args[0] == nil || args[1] == nil || args[2] == nil {
		return nil, fail(5166402, "%s requires startDate, unit, and amount to be present", name)
	}
	return &call{name: name, args: args, fn: evalDateAdd, prepare: prepareDateAdd}, nil
}

// prepareZoneAt resolves a constant zone into the call's data.
func prepareZoneAt(i int) func(*call) error {
	return func(x *call) error {
		z, err := x.prepareZone(i)
		x.data = z
		return err
	}
}

// prepareZoneOrNull is prepareZoneAt for operators that a null zone makes null.
func prepareZoneOrNull(i int) func(*call) error {
	return func(x *call) error {
		if x.isNull(i) {
			return errNull
		}
		return prepareZoneAt(i)(x)
	}
}

func prepareDateAdd(x *call) error {
	if err := x.checkUnits(1, -1); err != nil {
		return err
	}
	return prepareZoneOrNull(3)(x)
}

// checkUnits judges a constant unit and first day of the week; week is -1 if the
// operator takes none.
func (x *call) checkUnits(unit, week int) error {
	c := NewContext(nil)
	if x.fixed(unit) {
		if _, ok, err := unitOf(c, x, unit); err != nil || !ok {
			return orNull(err)
		}
	}
	if week >= 0 && x.fixed(week) {
		if _, ok, err := weekdayOf(c, x, week); err != nil || !ok {
			return orNull(err)
		}
	}
	return nil
}

func orNull(err error) error {
	if err == nil {
		return errNull
	}
	return err
}

// isNull tells whether the i-th operand is given, constant and null.
func (x *call) isNull(i int) bool {
	if !x.fixed(i) {
		return false
	}
	v, _ := IsConstant(x.args[i])
	return bsonx.IsNullish(v)
}

// fixed tells whether the i-th operand is given and constant.
func (x *call) fixed(i int) bool {
	if x.args[i] == nil {
		return false
	}
	_, ok := IsConstant(x.args[i])
	return ok
}

func evalDateAdd(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil || bsonx.IsNullish(v) {
		return bsonx.Null, err
	}
	u, ok, err := unitOf(c, x, 1)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	w, err := x.args[2].Eval(c)
	if err != nil || bsonx.IsNullish(w) {
		return bsonx.Null, err
	}
	z, err := c.zone(x, 3, x.zoneData())
	if err != nil || z == nil {
		return bsonx.Null, err
	}
	ms, ok := dateOf(v)
	if !ok {
		return v, fail(5166403, "%s requires startDate to be convertible to a date", x.name)
	}
	n, ok := bsonx.ToInt64Exact(w)
	if !ok {
		return v, fail(5166405, "%s expects integer amount of time units", x.name)
	}
	if x.name == "$dateSubtract" {
		if n == math.MinInt64 {
			return v, fail(6045000, "invalid %s 'amount' parameter value: %s", x.name, ValueText(w))
		}
		n = -n
	}
	ms, err = addUnits(ms, u, n, z)
	return c.dateValue(ms), err
}

// addUnits moves an instant. Days and longer units move the zone's calendar
// and keep the time of day; a day that the month does not have is its last.
func addUnits(ms int64, u unit, n int64, z *zone) (int64, error) {
	most := math.MaxInt64 / u.length()
	if u != millisecond && (n > 2*most || n < -2*most) {
		return 0, fail(5976500, "invalid dateAdd 'amount' parameter value: %d %s", n, unitNames[u])
	}
	if u <= hour {
		by, ok := mulInt64(n, u.length())
		if !ok {
			return 0, fail(5166406, "dateAdd overflowed")
		}
		sum, ok := addInt64(ms, by)
		switch {
		case ok:
			return sum, nil
		case u == millisecond:
			return 0, fail(mongoerr.DurationOverflow, "Overflow while adding %dms to %dms", by, sum)
		}
		return 0, fail(5166406, "dateAdd overflowed")
	}
	if n > most || n < -most {
		return 0, fail(5166406, "dateAdd overflowed")
	}
	t := z.local(ms)
	at := civil{int64(t.Year()), int64(t.Month()), int64(t.Day()), int64(t.Hour()), int64(t.Minute()), int64(t.Second()), int64(t.Nanosecond() / 1e6)}
	switch u {
	case day:
		at.day += n
	case week:
		at.day += 7 * n
	default:
		at.month += n * monthsIn(u)
		y, m := at.year+floorDiv(at.month-1, 12), floorMod(at.month-1, 12)+1
		if y > yearMax || y < -yearMax {
			return 0, fail(5166406, "dateAdd overflowed")
		}
		at.year, at.month = y, m
		at.day = min(at.day, daysInMonth(y, m))
	}
	sum, ok := at.instant(z.loc)
	if !ok {
		return 0, fail(5166406, "dateAdd overflowed")
	}
	return sum, nil
}

// yearMax is the last year of which a day has milliseconds within an int64.
const yearMax = 292_278_994

func monthsIn(u unit) int64 {
	switch u {
	case quarter:
		return 3
	case year:
		return 12
	}
	return 1
}

func buildDateDiff(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(5166301, "$dateDiff only supports an object as its argument")
	}
	names := []string{"startDate", "endDate", "unit", "timezone", "startOfWeek"}
	args, err := sc.namedLater(bsonx.AsDoc(arg), names, func(key string) error {
		return fail(5166302, "Unrecognized argument to $dateDiff: %s", key)
	}, func(given []bsonx.Value) error {
		for i, v := range given[:3] {
			if bsonx.IsMissing(v) {
				return fail(mongoerr.Code(5166303+i), "Missing '%s' parameter to $dateDiff", names[i])
			}
		}
		return nil
	})
	return &call{name: name, args: args, fn: evalDateDiff, prepare: prepareDateDiff}, err
}

func prepareDateDiff(x *call) error {
	if err := x.checkUnits(2, 4); err != nil {
		return err
	}
	if err := prepareZoneOrNull(3)(x); err != nil {
		return x.zoneError(err)
	}
	return nil
}

func evalDateDiff(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.args[0].Eval(c)
	if err != nil || bsonx.IsNullish(a) {
		return bsonx.Null, err
	}
	b, err := x.args[1].Eval(c)
	if err != nil || bsonx.IsNullish(b) {
		return bsonx.Null, err
	}
	u, ok, err := unitOf(c, x, 2)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	startOfWeek, ok, err := x.startOfWeek(c, u)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	z, err := c.zone(x, 3, x.zoneData())
	if err != nil || z == nil {
		return bsonx.Null, x.zoneError(err)
	}
	g := grid{u, z, startOfWeek}
	from, ok := dateOf(a)
	if !ok {
		return a, fail(5166307, "$dateDiff requires 'startDate' to be a date, but got %s", nameOf(a))
	}
	to, ok := dateOf(b)
	if !ok {
		return a, fail(5166307, "$dateDiff requires 'endDate' to be a date, but got %s", nameOf(b))
	}
	// The boundaries of the unit between the two.
	n, ok := subInt64(g.boundary(to), g.boundary(from))
	if !ok {
		return a, fail(5166308, "dateDiff overflowed")
	}
	return c.int64Value(n), nil
}

// grid is time cut into units, as a calendar has it in a zone.
type grid struct {
	unit        unit
	zone        *zone
	startOfWeek time.Weekday
}

// boundary numbers the unit that an instant lies in: between two instants lie as
// many boundaries as their numbers are apart.
func (g grid) boundary(ms int64) int64 {
	switch u := g.unit; u {
	case millisecond:
		return ms
	case second:
		return floorDiv(ms, u.length())
	case minute, hour:
		// Hours of a zone that is off by half an hour begin at half past.
		return floorDiv(ms+offsetAt(floorDiv(ms, 1000), g.zone.loc)*1000%u.length(), u.length())
	}
	t := g.zone.local(ms)
	y, m := int64(t.Year()), int64(t.Month())
	switch g.unit {
	case year:
		return y
	case quarter:
		return y*4 + (m-1)/3
	case month:
		return y*12 + m - 1
	}
	days := daysFromCivil(y, m, int64(t.Day()))
	if g.unit == day {
		return days
	}
	return floorDiv(days+4-int64(g.startOfWeek), 7) // day 0 was a Thursday.
}

func buildDateTrunc(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(5439007, "$dateTrunc only supports an object as its argument")
	}
	args, err := sc.namedLater(bsonx.AsDoc(arg), []string{"date", "unit", "binSize", "timezone", "startOfWeek"}, func(key string) error {
		return fail(5439008, "Unrecognized argument to $dateTrunc: %s. Expected arguments are date, unit, and optionally, binSize, timezone, startOfWeek", key)
	}, func(given []bsonx.Value) error {
		switch {
		case bsonx.IsMissing(given[0]):
			return fail(5439009, "Missing 'date' parameter to $dateTrunc")
		case bsonx.IsMissing(given[1]):
			return fail(5439010, "Missing 'unit' parameter to $dateTrunc")
		}
		return nil
	})
	return &call{name: name, args: args, fn: evalDateTrunc, prepare: prepareDateTrunc}, err
}

func prepareDateTrunc(x *call) error {
	if err := x.checkUnits(1, 4); err != nil {
		return err
	}
	if err := prepareZoneOrNull(3)(x); err != nil {
		return x.zoneError(err)
	}
	if !x.fixed(2) {
		return nil
	}
	v, _ := IsConstant(x.args[2])
	if bsonx.IsNullish(v) {
		return errNull
	}
	_, err := binSizeOf(v)
	return err
}

// binSizeOf is how many units $dateTrunc takes together.
func binSizeOf(v bsonx.Value) (int64, error) {
	size, ok := bsonx.ToInt64Exact(v)
	switch {
	case !ok:
		return 0, fail(5439017, "$dateTrunc requires 'binSize' to be a 64-bit integer, but got value '%s' of type %s", ValueText(v), nameOf(v))
	case size <= 0:
		return 0, fail(5439018, "$dateTrunc requires 'binSize' to be greater than 0, but got value %d", size)
	}
	return size, nil
}

// zoneError gives the zone errors of $dateDiff and $dateTrunc their context.
func (x *call) zoneError(err error) error {
	if err == nil || err == errNull {
		return err
	}
	return mongoerr.From(err).Prefix(x.name + " parameter 'timezone' value parsing failed")
}

func evalDateTrunc(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil || bsonx.IsNullish(v) {
		return bsonx.Null, err
	}
	size := int64(1)
	if x.args[2] != nil {
		w, err := x.args[2].Eval(c)
		if err != nil || bsonx.IsNullish(w) {
			return bsonx.Null, err
		}
		if size, err = binSizeOf(w); err != nil {
			return v, err
		}
	}
	u, ok, err := unitOf(c, x, 1)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	startOfWeek, ok, err := x.startOfWeek(c, u)
	if err != nil || !ok {
		return bsonx.Null, err
	}
	z, err := c.zone(x, 3, x.zoneData())
	if err != nil || z == nil {
		return bsonx.Null, x.zoneError(err)
	}
	ms, ok := dateOf(v)
	if !ok {
		return v, fail(5166307, "$dateTrunc requires 'date' to be a date, but got %s", nameOf(v))
	}
	ms, err = grid{u, z, startOfWeek}.truncate(ms, size)
	return c.dateValue(ms), err
}

// calendarBinMax is the largest bin of days or longer units.
const calendarBinMax = 100_000_000_000

// truncate is the beginning of the bin of size units that an instant lies in. Bins are
// counted from the beginning of the year 2000 in the zone, weeks from the first
// of that year that begins on the day asked for.
func (g grid) truncate(ms, size int64) (int64, error) {
	u, z := g.unit, g.zone
	at := civil{year: 2000, month: 1, day: 1}
	if u <= hour {
		width, ok := mulInt64(size, u.length())
		if !ok {
			return 0, fail(5439002, "dateTrunc overflowed")
		}
		start := at.unixMilli(z.loc)
		since, ok := subInt64(ms, start)
		if !ok {
			return 0, fail(5439000, "dateTrunc overflowed")
		}
		if since, ok = mulInt64(floorDiv(since, width), width); ok {
			since, ok = addInt64(start, since)
		}
		if !ok {
			return 0, fail(5439000, "dateTrunc overflowed")
		}
		return since, nil
	}
	if size > calendarBinMax {
		return 0, fail(5439006, "dateTrunc unsupported binSize value")
	}
	t := z.local(ms)
	var units int64 // since the beginning.
	switch u {
	case day, week:
		units = daysFromCivil(int64(t.Year()), int64(t.Month()), int64(t.Day())) - daysFromCivil(2000, 1, 1)
		if u == week {
			first := floorMod(int64(g.startOfWeek)-int64(time.Saturday), 7)
			at.day += first
			units = floorDiv(units-first, 7)
		}
	default:
		units = floorDiv((int64(t.Year())-2000)*12+int64(t.Month())-1, monthsIn(u))
	}
	return addUnits(at.unixMilli(z.loc), u, floorDiv(units, size)*size, z)
}
