package testenv

import (
	"fmt"
	"runtime"
	"testing"
)

// witness is a test that only notes what is done to it.
type witness struct {
	testing.TB
	got string
}

func (w *witness) Helper() {}

func (w *witness) end(kind string, args ...any) {
	w.got = kind + fmt.Sprint(args...)
	runtime.Goexit()
}

func (w *witness) Fatalf(format string, args ...any) { w.end("failed: ", fmt.Sprintf(format, args...)) }

func (w *witness) Skip(args ...any) { w.end("skipped: ", args...) }

func (w *witness) Skipf(format string, args ...any) { w.end("skipped: ", fmt.Sprintf(format, args...)) }

func TestReference(t *testing.T) {
	const lacks = "PANDO_REFERENCE_URI does not say where a reference server is"
	for _, c := range []struct{ ci, unfetched, uri, want string }{
		{"", "", "mongodb://x", "mongodb://x"},
		{"1", "", "mongodb://x", "mongodb://x"},
		{"", "", "", "skipped: " + lacks},
		{"1", "", "", "failed: would be skipped: " + lacks},
		{"1", "node reference", "", "skipped: reference could not be fetched"},
	} {
		t.Setenv("PANDO_CI", c.ci)
		t.Setenv("PANDO_UNFETCHED", c.unfetched)
		t.Setenv("PANDO_REFERENCE_URI", c.uri)
		w := &witness{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.got = Reference(w)
		}()
		<-done
		if w.got != c.want {
			t.Errorf("%+v: %s", c, w.got)
		}
	}
}
