package failpoint

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/mongoerr"
)

// doc reads extended JSON.
func doc(t *testing.T, s string) bsonx.Doc {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(s), false, &d); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// configure runs a configureFailPoint command.
func configure(t *testing.T, r *Registry, command string) (int64, error) {
	t.Helper()
	d := doc(t, command)
	name := bsonx.Get(d, "configureFailPoint")
	return r.Configure(bsonx.Str(name), bsonx.Get(d, "mode"), bsonx.Get(d, "data"))
}

// TestConfigureErrors holds MongoDB 8.2.0's answers.
func TestConfigureErrors(t *testing.T) {
	r := New(env.Seeded(1))
	for command, want := range map[string]string{
		`{"configureFailPoint": "nosuch", "mode": "off"}`:                                    "FailPointSetFailed (266): nosuch not found",
		`{"configureFailPoint": "failCommand"}`:                                              "IllegalOperation (20): When setting a failpoint, you must supply a 'mode'",
		`{"configureFailPoint": "failCommand", "mode": "foo"}`:                               "BadValue (2): unknown mode: foo",
		`{"configureFailPoint": "failCommand", "mode": {"times": -1}}`:                       "BadValue (2): 'times' option to 'mode' must be positive",
		`{"configureFailPoint": "failCommand", "mode": {"skip": -1}}`:                        "BadValue (2): 'skip' option to 'mode' must be positive",
		`{"configureFailPoint": "failCommand", "mode": {}}`:                                  "BadValue (2): 'mode' must be one of 'off', 'alwaysOn', '{times:n}', '{skip:n}' or '{activationProbability:p}'",
		`{"configureFailPoint": "failCommand", "mode": 5}`:                                   "TypeMismatch (14): 'mode' must be a string or JSON object",
		`{"configureFailPoint": "failCommand", "mode": {"times": "x"}}`:                      `TypeMismatch (14): Expected field "times" to have numeric type, but found string`,
		`{"configureFailPoint": "failCommand", "mode": {"times": 1.5}}`:                      `BadValue (2): Expected field "times" to have a value exactly representable as a 64-bit integer, but found times: 1.5`,
		`{"configureFailPoint": "failCommand", "mode": {"activationProbability": 2}}`:        "BadValue (2): activationProbability must be between 0.0 and 1.0; found 2",
		`{"configureFailPoint": "failCommand", "mode": {"activationProbability": "a"}}`:      "TypeMismatch (14): the 'activationProbability' option to 'mode' must be a double between 0 and 1",
		`{"configureFailPoint": "failCommand", "mode": "off", "data": 5}`:                    "TypeMismatch (14): the 'data' option must be a JSON object",
		`{"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": {"errorCode":5}}`: "",
	} {
		got := ""
		if _, err := configure(t, r, command); err != nil {
			got = mongoerr.From(err).Error()
		}
		if got != want {
			t.Errorf("%s: %q", command, got)
		}
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[string]string{
		`"off"`:                          ".....",
		`"alwaysOn"`:                     "!!!!!",
		`{"times": 0}`:                   "!....",
		`{"times": 2}`:                   "!!...",
		`{"skip": 2}`:                    "..!!!",
		`{"activationProbability": 0}`:   ".....",
		`{"activationProbability": 1.0}`: "!!!!!",
	} {
		r := New(env.Seeded(1))
		if _, err := configure(t, r, `{"configureFailPoint": "failCommand", "mode": `+mode+`}`); err != nil {
			t.Fatal(err)
		}
		got := ""
		for range 5 {
			// What does not match does not count.
			r.Eval(FailCommandPoint, func(bsonx.Doc) bool { return false })
			if _, fired := r.Eval(FailCommandPoint, nil); fired {
				got += "!"
			} else {
				got += "."
			}
		}
		if got != want {
			t.Errorf("%s: %s", mode, got)
		}
		if r.Configure(FailCommandPoint, bsonx.String("off"), bsonx.Missing); r.active.Load() != 0 {
			t.Errorf("%s: %d points active in the end", mode, r.active.Load())
		}
	}
}

// TestFailCommand holds what MongoDB 8.2.0 does to a ping with each data.
func TestFailCommand(t *testing.T) {
	ping := Operation{Names: []string{"ping"}, AppName: "app", Namespace: "lab.c"}
	const failed = ": Failing command via 'failCommand' failpoint"
	for _, c := range []struct {
		data  string
		fires bool
		err   string
		close bool
		block time.Duration
	}{
		{`"failCommands": ["ping"], "errorCode": 5`, true, "GraphContainsCycle (5)" + failed, false, 0},
		{`"failCommands": ["ping"], "errorCode": 5.0`, true, "GraphContainsCycle (5)" + failed, false, 0},
		{`"failCommands": ["ping"], "errorCode": 0`, true, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": "x"`, false, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": true`, false, "", false, 0},
		{`"failCommands": ["ping"]`, false, "", false, 0},
		{`"failCommands": ["Ping"], "errorCode": 5`, false, "", false, 0},
		{`"failCommands": "ping", "errorCode": 5`, false, "", false, 0},
		{`"errorCode": 5`, false, "", false, 0},
		{`"failAllCommands": false, "errorCode": 5`, true, "GraphContainsCycle (5)" + failed, false, 0},
		{`"failCommands": ["ping"], "closeConnection": true, "errorCode": 5`, true, "", true, 0},
		{`"failCommands": ["ping"], "closeConnection": 1`, false, "", false, 0},
		{`"failCommands": ["ping"], "closeConnection": false`, false, "", false, 0},
		{`"failCommands": ["ping"], "blockConnection": true`, true, "", false, 0},
		{`"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": 7`, true, "", false, 7 * time.Millisecond},
		{`"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": 7, "closeConnection": true`, true, "", true, 7 * time.Millisecond},
		{`"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": -1`, true, "InvalidOptions (72): 'blockTimeMS' must be non-negative", false, 0},
		{`"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": "x"`, true, "InvalidOptions (72): Failed to parse 'blockTimeMS'", false, 0},
		{`"failCommands": ["ping"], "blockConnection": "x", "blockTimeMS": 1`, false, "", false, 0},
		{`"failCommands": ["ping"], "writeConcernError": {"code": 5}`, false, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "appName": "other"`, false, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "appName": "app"`, true, "GraphContainsCycle (5)" + failed, false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "appName": 5`, false, "", false, 0}, // as if it were "".
		{`"failCommands": ["ping"], "errorCode": 5, "namespace": null`, false, "", false, 0},
		{`"failCommands": {"0": "ping"}, "errorCode": {"$numberDecimal": "5"}`, true, "GraphContainsCycle (5)" + failed, false, 0},
		{`"failCommands": ["ping"], "errorCode": 5.5`, false, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "errorExtraInfo": "x"`, true, `TypeMismatch (14): "errorExtraInfo" had the wrong type. Expected object, found string`, false, 0},
		{`"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": 1.5`, true, "InvalidOptions (72): Failed to parse 'blockTimeMS'", false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "namespace": "lab.c"`, true, "GraphContainsCycle (5)" + failed, false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "namespace": "lab"`, false, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": 5, "threadName": "x"`, false, "", false, 0},
		{`"failCommands": ["ping"], "errorCode": 11000`, true, "Location40671 (40671): Missing required extra info for error code DuplicateKey", false, 0},
		{`"failCommands": ["ping"], "errorCode": 11000, "errorExtraInfo": {"keyPattern": {}}`, true, "DuplicateKey (11000)" + failed, false, 0},
		{`"failCommands": ["ping"], "errorCode": -5`, true, "Location-5 (-5)" + failed, false, 0},
	} {
		r := New(env.Seeded(1))
		if _, err := configure(t, r, `{"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": {`+c.data+`}}`); err != nil {
			t.Fatal(err)
		}
		f, fired := r.FailCommand(ping)
		got := ""
		if f.Err != nil {
			got = f.Err.Error()
		}
		if fired != c.fires || got != c.err || f.Close != c.close || f.Block != c.block {
			t.Errorf("%s: fired %v, %q, %+v", c.data, fired, got, f)
		}
		if n, _ := configure(t, r, `{"configureFailPoint": "failCommand", "mode": "off"}`); (n == 1) != c.fires {
			t.Errorf("%s: count %d", c.data, n)
		}
	}
}

func TestLabelsAndWriteConcern(t *testing.T) {
	r := New(env.Seeded(1))
	insert := Operation{Names: []string{"insert"}}
	configure(t, r, `{"configureFailPoint": "failCommand", "mode": {"times": 1}, "data":
		{"failCommands": ["insert"], "writeConcernError": {"code": 91, "errmsg": "x"}, "errorLabels": []}}`)
	if _, fired := r.FailCommand(insert); fired {
		t.Error("fired before the command ran")
	}
	f, fired := r.FailWriteConcern(insert)
	if !fired || bsonx.AsInt32(bsonx.Get(f.WriteConcernError, "code")) != 91 || !f.LabelsSet || len(f.Labels) != 0 {
		t.Errorf("fired %v: %+v", fired, f)
	}
	configure(t, r, `{"configureFailPoint": "failCommand", "mode": {"times": 1}, "data":
		{"failCommands": ["insert"], "errorCode": 7, "errorLabels": ["A", "B"]}}`)
	if f, _ := r.FailCommand(insert); len(f.Labels) != 2 || f.Labels[1] != "B" {
		t.Errorf("%+v", f)
	}
}

func TestOtherPoints(t *testing.T) {
	r := New(env.Seeded(1))
	if err := r.GetMore(); err != nil {
		t.Error(err)
	}
	configure(t, r, `{"configureFailPoint": "failGetMoreAfterCursorCheckout", "mode": {"times": 1}, "data": {"errorCode": 280}}`)
	if e := mongoerr.From(r.GetMore()); e == nil || e.Code != mongoerr.ChangeStreamFatalError {
		t.Error(e)
	}
	configure(t, r, `{"configureFailPoint": "onPrimaryTransactionalWrite", "mode": {"times": 1}}`)
	if closes, err := r.PrimaryWrite(func() string { return "s" }); !closes || err != nil {
		t.Error(closes, err)
	}
	configure(t, r, `{"configureFailPoint": "onPrimaryTransactionalWrite", "mode": {"times": 1}, "data": {"closeConnection": false, "failBeforeCommitExceptionCode": 2}}`)
	if closes, err := r.PrimaryWrite(func() string { return "s" }); closes || err == nil {
		t.Error(closes, err)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(env.Seeded(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Wait(ctx, "nosuch", 1); err == nil {
			t.Error("waited for no point")
		}
		if err := r.Wait(ctx, FailCommandPoint, 1); err != context.DeadlineExceeded {
			t.Errorf("%v", err)
		}
		configure(t, r, `{"configureFailPoint": "failCommand", "mode": "alwaysOn"}`)
		done := make(chan error)
		go func() { done <- r.Wait(t.Context(), FailCommandPoint, 2) }()
		synctest.Wait()
		r.Eval(FailCommandPoint, nil)
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("one was enough")
		default:
		}
		r.Eval(FailCommandPoint, nil)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestOutlast: each look at a point that counts uses one of its times up, and only
// the first is one that it has fired at.
func TestOutlast(t *testing.T) {
	for mode, want := range map[string]struct {
		took  time.Duration
		fired int64
	}{
		`"off"`:        {0, 0},
		`{"times": 1}`: {lookEvery, 1},
		`{"times": 3}`: {3 * lookEvery, 1},
		`{"skip": 1}`:  {0, 0},
		`"alwaysOn"`:   {time.Minute, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := New(env.Seeded(1))
			configure(t, r, `{"configureFailPoint": "failCommand", "mode": `+mode+`}`)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			err := r.Outlast(ctx, FailCommandPoint)
			took := time.Since(began)
			n, _ := configure(t, r, `{"configureFailPoint": "failCommand", "mode": "off"}`)
			if took != want.took || n != want.fired || (err != nil) != (mode == `"alwaysOn"`) {
				t.Errorf("%s: %v after %v, fired %d times", mode, err, took, n)
			}
		})
	}
}
