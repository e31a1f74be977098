package history

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pandodb/pando"
)

var (
	seedFlag    = flag.Uint64("seed", 1, "of the workloads' first round")
	timesFlag   = flag.Int("times", 1, "as long as usual")
	historyFlag = flag.String("history", "", "a file of a saved history, for TestRecheck")
	levelFlag   = flag.String("level", string(Snapshot), "to check it at")
)

var workloads = []struct {
	name string
	w    Workload
}{
	{"list", Lists{}}, {"register", Registers{}}, {"bank", Bank{}}, {"counter", Counters{}},
}

// judge checks a history. Serializable transactions read snapshots too, and show
// nothing before they are asked to commit. A history that is bad is kept, if there
// is a place for it.
func judge(t *testing.T, name string, txns []Txn, level Level) []Anomaly {
	t.Helper()
	found, err := Check(txns, level)
	if err != nil {
		t.Fatal(err)
	}
	if level == Serializable && len(found) == 0 {
		weaker := slices.Clone(txns)
		for i := range weaker {
			weaker[i].Level = Snapshot
		}
		if found, err = Check(weaker, Snapshot); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(name, "bank") {
		found = append(found, CheckMoney(txns)...)
	}
	if len(found) == 0 {
		return nil
	}
	if dir := os.Getenv("PANDO_HISTORIES"); dir != "" {
		path := filepath.Join(dir, name+".jsonl")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := Encode(f, txns); err != nil {
			t.Fatal(err)
		}
		t.Logf("the history is in %s", path)
	}
	return found
}

// report fails the test for each anomaly, up to a few.
func report(t *testing.T, found []Anomaly) {
	t.Helper()
	for i, a := range found {
		if i == 10 {
			t.Errorf("and %d more", len(found)-i)
			break
		}
		t.Error(a)
	}
}

// TestRecheck judges a history that was saved: -history FILE [-level serializable].
func TestRecheck(t *testing.T) {
	if *historyFlag == "" {
		return
	}
	f, err := os.Open(*historyFlag)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	txns, err := Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	report(t, judge(t, "recheck", txns, Level(*levelFlag)))
}

// openServer opens a server in this process.
func openServer(t *testing.T) *pando.Server {
	t.Helper()
	s, err := pando.Open(t.Context(), pando.Options{DBPath: t.TempDir(), Parameters: map[string]string{"enableTestCommands": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestWorkloads runs each workload against a server in this process, undisturbed.
func TestWorkloads(t *testing.T) {
	s := openServer(t)
	skews := 0
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			rec := &Recorder{}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*timesFlag)*time.Minute)
			defer cancel()
			l := Load{URI: s.URI(), Database: w.name, Seed: *seedFlag, Clients: 8, Attempts: 80 * *timesFlag}
			if err := l.Run(ctx, w.w, rec); err != nil {
				t.Fatal(err)
			}
			txns := rec.Txns()
			t.Logf("%v", Outcomes(txns))
			if n := Outcomes(txns); n[Committed] < 200 || n[Unknown] > 0 {
				t.Errorf("too few have committed: %v", n)
			}
			report(t, judge(t, fmt.Sprintf("%s-%d", w.name, *seedFlag), txns, Snapshot))

			// What snapshot isolation allows does happen, and nothing else.
			skewed, err := Check(txns, Serializable)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range skewed {
				if c := a.Class.Base(); c != WriteSkew && c != G2 {
					t.Error(a)
				}
			}
			skews += len(skewed)
		})
	}
	if skews == 0 {
		t.Error("no write skew was seen, which must be possible: is it looked for?")
	}
}

// TestChurn runs the lists while an index that they are read through comes and goes.
func TestChurn(t *testing.T) {
	s := openServer(t)
	rec := &Recorder{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*timesFlag)*time.Minute)
	defer cancel()
	l := Load{URI: s.URI(), Database: "churn", Seed: *seedFlag, Clients: 8, Attempts: 60 * *timesFlag, Churn: true}
	if err := l.Run(ctx, Lists{}, rec); err != nil {
		t.Fatal(err)
	}
	txns := rec.Txns()
	t.Logf("%v", Outcomes(txns))
	if n := Outcomes(txns); n[Committed] < 200 || n[Unknown] > 0 {
		t.Errorf("too few have committed: %v", n)
	}
	report(t, judge(t, fmt.Sprintf("churn-%d", *seedFlag), txns, Snapshot))
}

// TestSerializable runs each workload with serializable transactions: what snapshot
// isolation allows, and TestWorkloads sees, must not occur. Nor may it among those
// that are serializable if others are not.
func TestSerializable(t *testing.T) {
	s := openServer(t)
	for i, w := range slices.Concat(workloads, workloads) {
		mixed := i >= len(workloads)
		t.Run(fmt.Sprintf("%s mixed=%v", w.name, mixed), func(t *testing.T) {
			rec := &Recorder{}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*timesFlag)*time.Minute)
			defer cancel()
			name := fmt.Sprintf("serializable-%s-%d", w.name, i)
			l := Load{URI: s.URI(), Database: name, Seed: *seedFlag, Clients: 8, Attempts: 60 * *timesFlag, Level: Serializable, Mixed: mixed}
			if err := l.Run(ctx, w.w, rec); err != nil {
				t.Fatal(err)
			}
			txns := rec.Txns()
			t.Logf("%v", Outcomes(txns))
			if n := Outcomes(txns); n[Committed] < 200 || n[Unknown] > 0 {
				t.Errorf("too few have committed: %v", n)
			}
			report(t, judge(t, name, txns, Serializable))
		})
	}
}
