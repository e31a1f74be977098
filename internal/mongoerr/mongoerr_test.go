package mongoerr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

func TestNames(t *testing.T) {
	for code, want := range map[Code]string{
		DuplicateKey:        "DuplicateKey",
		WriteConcernTimeout: "WriteConcernTimeout",
		3:                   "OBSOLETE_DuplicateKey",
		350:                 "ReshardCollectionTruncatedError",
		462:                 "Location462",
		50911:               "Location50911",
	} {
		if got := code.String(); got != want {
			t.Errorf("%d is called %s, want %s", int32(code), got, want)
		}
	}
}

func TestCategories(t *testing.T) {
	for _, c := range []struct {
		code Code
		in   Category
		want bool
	}{
		{NotWritablePrimary, RetriableError, true},
		{NotWritablePrimary, NotPrimaryError | ShutdownError, true},
		{InterruptedAtShutdown, NotPrimaryError, false},
		{MaxTimeMSExpired, RetriableError, false},
		{ExceededTimeLimit, RetriableError, true},
		{WriteConflict, RetriableError | SnapshotError, false},
		{462, SystemOverloadedError, false},
	} {
		if got := c.code.Is(c.in); got != c.want {
			t.Errorf("%v in %b: %v", c.code, c.in, got)
		}
	}
}

func TestFrom(t *testing.T) {
	e := New(BadValue, "bad")
	if got := From(fmt.Errorf("while trying: %w", e)); got != e {
		t.Errorf("a wrapped error became %v", got)
	}
	got := From(io.EOF)
	if got.Code != InternalError || got.Msg != "internal error" || !errors.Is(got, io.EOF) {
		t.Errorf("a foreign error became %v", got)
	}
	if From(nil) != nil {
		t.Error("nil became something")
	}
	if e.With(RetryableWrite); e.Labels != nil {
		t.Error("With changed its receiver")
	}
}

// TestGenerated fails when codes.txt was changed without go generate.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"codes.txt", "gen.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", "gen.go")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile(dir + "/codes_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile("codes_gen.go"); !bytes.Equal(got, want) {
		t.Error("codes_gen.go is not what gen.go makes of codes.txt: run go generate ./internal/mongoerr")
	}
}
