package expr

import (
	"fmt"
	"strconv"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

const (
	isoFormatUTC   = "%Y-%m-%dT%H:%M:%S.%LZ"
	isoFormatLocal = "%Y-%m-%dT%H:%M:%S.%L"
)

func buildDateToString(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(18629, "$dateToString only supports an object as its argument")
	}
	args, err := sc.namedLater(bsonx.AsDoc(arg), []string{"date", "format", "timezone", "onNull"}, func(key string) error {
		return fail(18534, "Unrecognized argument to $dateToString: %s", key)
	}, func(given []bsonx.Value) error {
		if bsonx.IsMissing(given[0]) {
			return fail(18628, "Missing 'date' parameter to $dateToString")
		}
		return nil
	})
	return &call{name: name, args: args, fn: evalDateToString, prepare: prepareZoneAt(2)}, err
}

// formatOf is a checked format for printing dates.
func formatOf(v bsonx.Value) (string, error) {
	if v.Type != bsonx.TypeString {
		return "", fail(18533, "$dateToString requires that 'format' be a string, found: %s with value %s", nameOf(v), ValueText(v))
	}
	return bsonx.Str(v), checkFormat(bsonx.Str(v), "dHGjLmMSuUVwYzZbB%")
}

// checkFormat tells whether a format's letters are all among the known ones.
func checkFormat(format, known string) error {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		if i++; i == len(format) {
			return fail(18535, "Unmatched '%%' at end of format string")
		}
		ok := false
		for j := range len(known) {
			ok = ok || known[j] == format[i]
		}
		if !ok {
			return fail(18536, "Invalid format character '%%%s' in format string", format[i:i+1])
		}
	}
	return nil
}

func evalDateToString(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	format, formatNull := "", false
	if x.args[1] != nil {
		w, err := x.args[1].Eval(c)
		if err != nil {
			return w, err
		}
		if formatNull = bsonx.IsNullish(w); !formatNull {
			if format, err = formatOf(w); err != nil {
				return w, err
			}
		}
	}
	z, err := c.zone(x, 2, x.zoneData())
	switch {
	case err != nil:
		return v, err
	case bsonx.IsNullish(v) && x.args[3] != nil:
		return x.args[3].Eval(c)
	case bsonx.IsNullish(v) || z == nil || formatNull:
		return bsonx.Null, nil
	}
	ms, err := mustDate(v)
	if err != nil {
		return v, err
	}
	if x.args[1] == nil {
		format = isoFormatLocal
		if z.utc {
			format = isoFormatUTC
		}
	}
	var space [64]byte
	out, err := appendDate(space[:0], z.local(ms), format)
	if err != nil {
		return v, err
	}
	s, text := c.stringSpace(len(out))
	copy(text, out)
	return s, nil
}

// appendDate prints a date by a checked format.
func appendDate(b []byte, t time.Time, format string) ([]byte, error) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b = append(b, format[i])
			continue
		}
		i++
		isoYear, isoWeek := 0, 0
		if format[i] == 'G' || format[i] == 'V' {
			isoYear, isoWeek = t.ISOWeek()
		}
		switch format[i] {
		case 'Y', 'G':
			year := t.Year()
			if format[i] == 'G' {
				year = isoYear
			}
			if year < 0 || year > 9999 {
				return nil, fail(18537, "Could not convert date to string: date component was outside the supported range of 0-9999: %d", year)
			}
			b = appendPadded(b, year, 4)
		case 'm':
			b = appendPadded(b, int(t.Month()), 2)
		case 'd':
			b = appendPadded(b, t.Day(), 2)
		case 'H':
			b = appendPadded(b, t.Hour(), 2)
		case 'M':
			b = appendPadded(b, t.Minute(), 2)
		case 'S':
			b = appendPadded(b, t.Second(), 2)
		case 'L':
			b = appendPadded(b, t.Nanosecond()/1e6, 3)
		case 'j':
			b = appendPadded(b, t.YearDay(), 3)
		case 'w':
			b = strconv.AppendInt(b, int64(t.Weekday())+1, 10)
		case 'u':
			b = strconv.AppendInt(b, int64(isoWeekday(t)), 10)
		case 'U':
			b = appendPadded(b, sundayWeek(t), 2)
		case 'V':
			b = appendPadded(b, isoWeek, 2)
		case 'b':
			b = append(b, t.Month().String()[:3]...)
		case 'B':
			b = append(b, t.Month().String()...)
		case 'z', 'Z':
			b = appendOffset(b, t, format[i])
		case '%':
			b = append(b, '%')
		}
	}
	return b, nil
}

func appendPadded(b []byte, n, width int) []byte {
	return fmt.Appendf(b, "%0*d", width, n)
}

// appendOffset prints a zone's offset as ±hhmm (z) or in minutes (Z).
func appendOffset(b []byte, t time.Time, how byte) []byte {
	_, offset := t.Zone()
	if how == 'Z' {
		return strconv.AppendInt(b, int64(offset/60), 10)
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Appendf(append(b, sign), "%02d%02d", offset/3600, offset/60%60)
}
