package expr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

func buildDateFromString(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(40540, "$dateFromString only supports an object as an argument, found: %s", nameOf(arg))
	}
	args, err := sc.namedLater(bsonx.AsDoc(arg), []string{"dateString", "timezone", "format", "onNull", "onError"}, func(key string) error {
		return fail(40541, "Unrecognized argument to $dateFromString: %s", key)
	}, func(given []bsonx.Value) error {
		if bsonx.IsMissing(given[0]) {
			return fail(40542, "Missing 'dateString' parameter to $dateFromString")
		}
		return nil
	})
	return &call{name: name, args: args, fn: evalDateFromString, prepare: prepareZoneAt(1)}, err
}

func evalDateFromString(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	format, formatNull := "", false
	if x.args[2] != nil {
		w, err := x.args[2].Eval(c)
		switch {
		case err != nil:
			return v, err
		case bsonx.IsNullish(w):
			formatNull = true
		case w.Type != bsonx.TypeString:
			return v, fail(40684, "$dateFromString requires that 'format' be a string, found: %s with value %s", nameOf(w), ValueText(w))
		default:
			format = bsonx.Str(w)
			if err := checkFormat(format, "dGHjLmMSuVYzZbB%"); err != nil {
				return v, err
			}
		}
	}
	z, err := c.zone(x, 1, x.zoneData())
	switch {
	case err != nil:
		return v, err
	case bsonx.IsNullish(v) && x.args[3] != nil:
		return x.args[3].Eval(c)
	case bsonx.IsNullish(v) || z == nil || formatNull:
		return bsonx.Null, nil
	}
	var ms int64
	if v.Type != bsonx.TypeString {
		err = inConvert("$dateFromString requires that 'dateString' be a string, found: %s with value %s", nameOf(v), ValueText(v))
	} else {
		if z.utc {
			z = nil // as if none was asked for: the string may have one.
		}
		if x.args[2] != nil {
			ms, err = parseDateFormat(bsonx.Str(v), format, z)
		} else {
			ms, err = parseDate(bsonx.Str(v), z)
		}
	}
	if err != nil && x.args[4] != nil {
		return x.args[4].Eval(c)
	}
	return c.dateValue(ms), err
}

// parsed is what a date string said.
type parsed struct {
	civil   civil
	isoWeek bool // month and day are a week and its day.
	offset  *int // in seconds, if the string had one.
	zone    string
}

// instant reads the parsed civil time in its own zone or in the one given. end
// is where a wrong date is said to be.
func (p *parsed) instant(s string, end int, z *zone) (int64, error) {
	loc := time.UTC
	switch {
	case p.offset != nil && z != nil && p.zone != "":
		return 0, inConvert("you cannot pass in a date/time string with time zone information ('%s') together with a timezone argument", p.zone)
	case p.offset != nil && z != nil:
		return 0, inConvert("you cannot pass in a date/time string with GMT offset together with a timezone argument")
	case p.offset != nil:
		loc = time.FixedZone("", *p.offset)
	case z != nil:
		loc = z.loc
	}
	at := p.civil
	if p.isoWeek {
		at.day, at.month = isoDay(at.year, at.month, at.day), 1
		return at.unixMilli(loc), nil
	}
	if at.month < 1 || at.month > 12 || at.day < 1 || at.day > daysInMonth(at.year, at.month) {
		return 0, parseFailure(s, end, "The parsed date was invalid")
	}
	if at.hour > 23 || at.minute > 59 || at.second > 59 {
		return 0, parseFailure(s, end, "The parsed time was invalid")
	}
	return at.unixMilli(loc), nil
}

// parseFailure is a failure at one place of a date string.
func parseFailure(s string, at int, why string) error {
	return inConvert("Error parsing date string '%s'; %s", s, failureAt(s, at, why))
}

func failureAt(s string, at int, why string) string {
	char := "\x00"
	if at < len(s) {
		char = s[at : at+1]
	}
	return fmt.Sprintf("%d: %s '%s'", at, why, char)
}

// The date strings that are read without a format: a date in one of several
// forms, perhaps a weekday before it, a time and a zone after it.
var (
	weekdayPattern = regexp.MustCompile(`^(?i:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)`)
	datePatterns   = []struct {
		re    *regexp.Regexp
		parts string // what the groups are: Y year, m month, d day, b month's name, V week, u weekday.
	}{
		{regexp.MustCompile(`^(\d{4})-W(\d{2})-?(\d)`), "YVu"},
		{regexp.MustCompile(`^(\d{4})-(1[0-2]|0?[1-9])-(3[01]|[0-2]?\d)`), "Ymd"},
		{regexp.MustCompile(`^(\d{4})/(1[0-2]|0?[1-9])/(3[01]|[0-2]?\d)`), "Ymd"},
		{regexp.MustCompile(`^(\d{4})(1[0-2]|0[1-9])(3[01]|[0-2]\d)`), "Ymd"},
		{regexp.MustCompile(`^(\d{4})-(1[0-2]|0[1-9])`), "Ym"},
		{regexp.MustCompile(`^(1[0-2]|0?[1-9])/(3[01]|[0-2]?\d)/(\d{4})`), "mdY"},
		{regexp.MustCompile(`^(3[01]|[0-2]?\d)[-.](1[0-2]|0?[1-9])[-.](\d{4})`), "dmY"},
		{regexp.MustCompile(`^([A-Za-z]{3,9})\.?[ \t]*(3[01]|[0-2]?\d)(?:st|nd|rd|th)?,?[ \t]+(\d{4})`), "bdY"},
		{regexp.MustCompile(`^(3[01]|[0-2]?\d)(?:st|nd|rd|th)?[- \t]*([A-Za-z]{3,9})[-., \t]*(\d{4})`), "dbY"},
	}
	timePattern = regexp.MustCompile(`^[tT]?\s*(2[0-4]|[01]?\d):([0-5]?\d)(?::([0-5]\d|60)(?:[.,:](\d+))?)?`)
	zonePattern = regexp.MustCompile(`^\s*(?:(?:GMT|UTC)?([+-]\d{1,2}(?::?\d{2})?)|(Z|z|UTC|utc|GMT|EST|EDT|CST|CDT|MST|MDT|PST|PDT|CET|CEST))`)
)

// zoneOffsets are the abbreviations of zones that a date string may have, in hours.
func zoneOffset(name string) int {
	switch name {
	case "EST", "CDT":
		return -5
	case "EDT":
		return -4
	case "CST", "MDT":
		return -6
	case "MST", "PDT":
		return -7
	case "PST":
		return -8
	case "CET":
		return 1
	case "CEST":
		return 2
	}
	return 0
}

// parseDate reads a date string in one of the common forms. z is the zone that
// was asked for, nil if none was.
func parseDate(s string, z *zone) (int64, error) {
	if s == "" {
		return 0, parseFailure(s, 0, "Empty string")
	}
	if seconds, ok := strings.CutPrefix(s, "@"); ok {
		if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
			p := parsed{civil: civil{year: 1970, month: 1, day: 1}, offset: new(int)}
			at, err := p.instant(s, len(s), z)
			return at + n*1000, err
		}
	}
	var p parsed
	rest := strings.TrimSpace(s)
	rest = rest[len(weekdayPattern.FindString(rest)):]
	found := false
	for _, form := range datePatterns {
		if m := form.re.FindStringSubmatch(rest); m != nil && p.readDate(form.parts, m[1:]) {
			rest, found = rest[len(m[0]):], true
			break
		}
	}
	clock := strings.TrimLeft(rest, " \t")
	if m := timePattern.FindStringSubmatch(clock); m != nil {
		p.readTime(m)
		rest = clock[len(m[0]):]
	}
	if m := zonePattern.FindStringSubmatch(rest); m != nil && (found || m[0] != rest) {
		p.readZone(m)
		rest = rest[len(m[0]):]
	}
	if year := strings.TrimSpace(s); len(year) == 4 && strings.Trim(year, "0123456789") == "" {
		rest, found = "", false // the server reads a time of day, which lacks the date.
	}
	if rest = strings.TrimLeft(rest, " \t"); rest != "" {
		at := len(s) - len(rest)
		if letter := rest[0] | 0x20; letter >= 'a' && letter <= 'z' {
			return 0, parseFailure(s, at, "passing a time zone identifier as part of the string is not allowed")
		}
		return 0, parseFailure(s, at, "Unexpected character")
	}
	if !found {
		return 0, inConvert("an incomplete date/time string has been found, with elements missing: \"%s\"", s)
	}
	return p.instant(s, len(s)+1, z)
}

func (p *parsed) readDate(parts string, m []string) bool {
	p.civil.day = 1
	for i, what := range parts {
		n, _ := strconv.ParseInt(m[i], 10, 64)
		switch what {
		case 'Y':
			p.civil.year = n
		case 'm':
			p.civil.month = n
		case 'd':
			p.civil.day = n
		case 'V':
			p.civil.month, p.isoWeek = n, true
		case 'u':
			p.civil.day = n
		case 'b':
			if p.civil.month = monthOf(m[i]); p.civil.month == 0 {
				return false
			}
		}
	}
	return true
}

// monthOf is the month of a name or its first three letters, 0 of anything else.
func monthOf(name string) int64 {
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(name, m.String()) || strings.EqualFold(name, m.String()[:3]) {
			return int64(m)
		}
	}
	return 0
}

func (p *parsed) readTime(m []string) {
	p.civil.hour, _ = strconv.ParseInt(m[1], 10, 64)
	p.civil.minute, _ = strconv.ParseInt(m[2], 10, 64)
	p.civil.second, _ = strconv.ParseInt("0"+m[3], 10, 64)
	p.civil.millisecond, _ = strconv.ParseInt((m[4] + "000")[:3], 10, 64)
}

func (p *parsed) readZone(m []string) {
	offset := 0
	if p.zone = m[2]; p.zone != "" {
		offset = zoneOffset(p.zone) * 3600
	} else {
		digits := m[1]
		if len(digits) == 2 || strings.Index(digits, ":") == 2 {
			digits = digits[:1] + "0" + digits[1:]
		}
		offset, _ = parseOffset(digits)
	}
	p.offset = &offset
}

// formatParser reads a date string by a format. Like the server's it goes on
// after an error, and tells all of them.
type formatParser struct {
	parsed
	s      string
	at     int
	errors []string

	isoYear, isoWeekNumber, weekday, dayOfYear int64
}

func (f *formatParser) fail(at int, why string) {
	f.errors = append(f.errors, failureAt(f.s, at, why))
}

// number reads least to most digits, first skipping what is none. It is -1 if
// there are not so many.
func (f *formatParser) number(least, most int, what string) int64 {
	start := f.at
	for f.at < len(f.s) && !isDigit(f.s[f.at]) {
		if f.at == start {
			f.fail(start, "Unexpected data found.")
		}
		f.at++
	}
	return f.digits(start, least, most, what)
}

// isoNumber is number for the parts of ISO dates, which may be shorter, and of
// which nothing is said if something else stands before them.
func (f *formatParser) isoNumber(most int, what string) int64 {
	start := f.at
	for f.at < len(f.s) && !isDigit(f.s[f.at]) {
		f.at++
	}
	n := f.digits(start, 1, most, what)
	if n < 0 {
		f.at = start
	}
	return n
}

func (f *formatParser) digits(start, least, most int, what string) int64 {
	from := f.at
	for f.at-from < most && f.at < len(f.s) && isDigit(f.s[f.at]) {
		f.at++
	}
	if f.at-from < least {
		f.fail(start, what)
		return -1
	}
	n, _ := strconv.ParseInt(f.s[from:f.at], 10, 64)
	return n
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// field reads what one letter of the format stands for.
func (f *formatParser) field(letter byte) {
	switch letter {
	case 'Y':
		f.civil.year = f.number(4, 4, "A four digit year could not be found")
	case 'm':
		f.civil.month = f.number(1, 2, "A two digit month could not be found")
	case 'd':
		f.civil.day = f.number(1, 2, "A two digit day could not be found")
	case 'H':
		f.civil.hour = f.number(1, 2, "A two digit hour could not be found")
	case 'M':
		f.civil.minute = f.number(2, 2, "A two digit minute could not be found")
	case 'S':
		f.civil.second = f.number(2, 2, "A two digit second could not be found")
	case 'L':
		start := f.at
		n := f.number(1, 3, "A three digit millisecond could not be found")
		for places := f.at - start; places < 3; places++ {
			n *= 10
		}
		f.civil.millisecond = n
	case 'j':
		f.dayOfYear = f.number(1, 3, "A three digit day-of-year could not be found")
	case 'G':
		f.isoYear = f.isoNumber(4, "A four digit ISO year could not be found")
	case 'V':
		f.isoWeekNumber = f.isoNumber(2, "A two digit ISO week could not be found")
	case 'u':
		f.weekday = f.isoNumber(1, "A single digit day of week could not be found")
	case 'b', 'B':
		n := f.at
		for n < len(f.s) && f.s[n]|0x20 >= 'a' && f.s[n]|0x20 <= 'z' {
			n++
		}
		if month := monthOf(f.s[f.at:n]); month > 0 {
			f.civil.month = month
		}
		f.at = n
	case 'z', 'Z':
		f.offsetField(letter)
	case '%':
		f.literal('%')
	}
}

func (f *formatParser) offsetField(letter byte) {
	if letter == 'z' {
		if m := zonePattern.FindStringSubmatch(f.s[f.at:]); m != nil {
			f.readZone(m)
			f.at += len(m[0])
		} else {
			f.fail(f.at, "The timezone could not be found in the database")
		}
		return
	}
	sign := f.s[f.at]
	if sign != '+' && sign != '-' {
		f.fail(f.at, "Invalid timezone offset in minutes")
		return
	}
	f.at++
	offset := int(f.digits(f.at-1, 1, 3, "Invalid timezone offset in minutes")) * 60
	if sign == '-' {
		offset = -offset
	}
	f.parsed.offset = &offset
}

func (f *formatParser) literal(b byte) {
	if f.s[f.at] != b {
		f.fail(f.at, "Format literal not found")
	}
	f.at++
}

// parseDateFormat reads a date string by a checked format.
func parseDateFormat(s, format string, z *zone) (int64, error) {
	f := formatParser{s: s, isoYear: -1, isoWeekNumber: 1, weekday: 1, dayOfYear: -1}
	f.civil = civil{year: -1, month: -1, day: -1}
	i := 0
	for ; i < len(format) && f.at < len(s); i++ {
		if format[i] != '%' {
			f.literal(format[i])
			continue
		}
		i++
		f.field(format[i])
	}
	switch {
	case f.at < len(s):
		f.fail(f.at, "Trailing data")
	case i < len(format):
		f.fail(f.at, "Not enough data available to satisfy format")
	}
	if f.errors != nil {
		return 0, inConvert("Error parsing date string '%s'; %s", s, strings.Join(f.errors, "; "))
	}
	switch {
	case f.isoYear >= 0:
		f.isoWeek = true
		f.civil.year, f.civil.month, f.civil.day = f.isoYear, f.isoWeekNumber, f.weekday
	case f.dayOfYear >= 0 && f.civil.year >= 0:
		// The server is a day late here, and so are we.
		f.civil.month, f.civil.day = 1, 1
		ms, err := f.instant(s, len(s), z)
		return ms + f.dayOfYear*86_400_000, err
	case f.civil.year < 0 || f.civil.month < 0 || f.civil.day < 0:
		return 0, inConvert("an incomplete date/time string has been found, with elements missing: \"%s\"", s)
	}
	return f.instant(s, len(s), z)
}
