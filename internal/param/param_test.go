package param

import (
	"slices"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

func told(err error) string {
	if err == nil {
		return ""
	}
	return mongoerr.From(err).Error()
}

// TestSetRuntime holds what MongoDB 8.2.0 answers.
func TestSetRuntime(t *testing.T) {
	const life = "transactionLifetimeLimitSeconds"
	for _, c := range []struct {
		name string
		v    bsonx.Value
		err  string
		now  bsonx.Value
	}{
		{life, bsonx.Int32(61), "", bsonx.Int32(61)},
		{life, bsonx.Int64(61), "", bsonx.Int32(61)},
		{life, bsonx.Double(61.5), "", bsonx.Int32(61)},
		{life, bsonx.True, "", bsonx.Int32(1)},
		{life, bsonx.Int32(0), "BadValue (2): Invalid value for parameter transactionLifetimeLimitSeconds: 0 is not greater than or equal to 1", bsonx.Int32(60)},
		{life, bsonx.String("61"), "BadValue (2): Failed validating transactionLifetimeLimitSeconds: Unable to coerce value to integral type", bsonx.Int32(60)},
		{life, bsonx.Null, "BadValue (2): Failed validating transactionLifetimeLimitSeconds: Unable to coerce value to integral type", bsonx.Int32(60)},
		{life, bsonx.Int64(99999999999), "BadValue (2): Failed validating transactionLifetimeLimitSeconds: Out of bounds coercing to integral value", bsonx.Int32(60)},
		{"cursorTimeoutMillis", bsonx.Double(1e30), "BadValue (2): Failed validating cursorTimeoutMillis: Out of bounds coercing to integral value", bsonx.Int64(600000)},
		{"cursorTimeoutMillis", bsonx.Int32(0), "", bsonx.Int64(0)},
		{"maxSessions", bsonx.Int32(5), "IllegalOperation (20): not allowed to change [maxSessions] at runtime", bsonx.Int32(1000000)},
		{"nosuch", bsonx.Int32(5), "InvalidOptions (72): attempted to set unrecognized parameter [nosuch], use help:true to see options ", bsonx.Missing},
		{"quiet", bsonx.String("false"), "", bsonx.True},
		{"quiet", bsonx.Null, "", bsonx.False},
		{"quiet", bsonx.Int32(1), "", bsonx.True},
		{"logLevel", bsonx.Int32(-1), "BadValue (2): Invalid value for logLevel: logLevel: -1", bsonx.Int32(0)},
		{"logLevel", bsonx.String("1"), `BadValue (2): Invalid value for logLevel: logLevel: "1"`, bsonx.Int32(0)},
		{"logLevel", bsonx.Double(1.7), "", bsonx.Int32(1)},
		{"notablescan", bsonx.True, "NotImplemented (238): another value for the parameter notablescan is not implemented by Pando yet", bsonx.False},
		{"notablescan", bsonx.False, "", bsonx.False},
		{"sessionMaxBatchSize", bsonx.Double(1000), "", bsonx.Int32(1000)},
		{"featureCompatibilityVersion", bsonx.String("8.0"), "IllegalOperation (20): not allowed to change [featureCompatibilityVersion] at runtime", version("8.2")},
		{"transactionIsolation", bsonx.String("serializable"), "", bsonx.String("serializable")},
		{"transactionIsolation", bsonx.String("none"), "BadValue (2): Invalid value for parameter transactionIsolation: 'none' is not one of snapshot, serializable", bsonx.String("snapshot")},
		{"transactionIsolation", bsonx.Int32(1), "BadValue (2): Invalid value for parameter transactionIsolation: 1 is not a string", bsonx.String("snapshot")},
	} {
		s := New()
		before, _ := s.Get(c.name)
		was, err := s.SetRuntime(c.name, c.v)
		if told(err) != c.err {
			t.Errorf("%s to %s: %q", c.name, c.v, told(err))
		}
		if err == nil && !was.Equal(before) {
			t.Errorf("%s was %s, told %s", c.name, before, was)
		}
		if now, _ := s.Get(c.name); !now.Equal(c.now) {
			t.Errorf("%s to %s: is %s", c.name, c.v, now)
		}
	}
}

func TestSetStartup(t *testing.T) {
	for _, c := range []struct{ name, text, err string }{
		{"transactionLifetimeLimitSeconds", "5", ""},
		{"maxSessions", "5", ""},
		{"enableTestCommands", "1", ""},
		{"enableTestCommands", "true", ""},
		{"notablescan", "false", ""},
		{"transactionIsolation", "serializable", ""},
		{"transactionIsolation", "snapshot", ""},
		{"transactionIsolation", "", `BadValue (2): Bad value for parameter "transactionIsolation": Invalid value for parameter transactionIsolation: '' is not one of snapshot, serializable`},
		{"transactionTooLargeForCacheThreshold", "0.75", ""},
		{"nosuch", "1", "BadValue (2): Unknown --setParameter 'nosuch'"},
		{"transactionlifetimeLimitSecond", "1", "BadValue (2): Unknown --setParameter 'transactionlifetimeLimitSecond', did you mean 'transactionLifetimeLimitSeconds'?"},
		{"maxSession", "1", "BadValue (2): Unknown --setParameter 'maxSession', did you mean 'maxSessions'?"},
		{"transactionLifetimeLimitSeconds", "abc", `BadValue (2): Bad value for parameter "transactionLifetimeLimitSeconds": Did not consume whole string.`},
		{"transactionLifetimeLimitSeconds", "0", `BadValue (2): Bad value for parameter "transactionLifetimeLimitSeconds": Invalid value for parameter transactionLifetimeLimitSeconds: 0 is not greater than or equal to 1`},
		{"transactionLifetimeLimitSeconds", "99999999999", `BadValue (2): Bad value for parameter "transactionLifetimeLimitSeconds": Overflow`},
		{"quiet", "maybe", `BadValue (2): Bad value for parameter "quiet": Value is not a valid boolean`},
		{"logLevel", "-1", `BadValue (2): Bad value for parameter "logLevel": Invalid value for logLevel: logLevel: -1`},
		{"featureCompatibilityVersion", "8.0", `BadValue (2): Cannot use --setParameter to set "featureCompatibilityVersion" at startup`},
		{"notablescan", "true", `NotImplemented (238): Bad value for parameter "notablescan": another value for the parameter notablescan is not implemented by Pando yet`},
	} {
		if got := told(New().SetStartup(c.name, c.text)); got != c.err {
			t.Errorf("%s=%s: %q", c.name, c.text, got)
		}
	}
}

func TestOnChange(t *testing.T) {
	s := New()
	var seen []int64
	s.CursorTimeoutMillis.OnChange(func(n int64) { seen = append(seen, n) })
	if _, err := s.SetRuntime("cursorTimeoutMillis", bsonx.Int32(7)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetRuntime("cursorTimeoutMillis", bsonx.Null); err == nil {
		t.Fatal("null was taken")
	}
	if !slices.Equal(seen, []int64{7}) {
		t.Errorf("seen %v", seen)
	}
	if d := s.CursorTimeoutMillis.Millis(); d != 7*time.Millisecond {
		t.Errorf("%v", d)
	}
	if d := s.TransactionSizeLimitBytes.Minutes(); d < 0 {
		t.Errorf("a large number overflowed: %v", d)
	}
}

func TestAllIsSorted(t *testing.T) {
	var names []string
	for p := range New().All() {
		names = append(names, p.Name())
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("out of order or twice: %v", names)
	}
}
