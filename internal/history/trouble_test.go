package history

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/testenv"
)

// trouble is a server process behind a proxy, and what befalls them.
type trouble struct {
	server *Process
	proxy  *Proxy

	loseEvery  int  // of a command's replies; 0 loses none.
	killEvery  int  // replies between two kills at any time; 0 kills never.
	killLosing bool // every so many lost replies the server is killed before the client knows.
	level      Level
	broken     bool // the server makes mistakes, and its store need not be whole in the end.

	seed           uint64
	replies, since int
	kills          int // of them all; the killer's.
	ask            chan chan struct{}
	failed         chan error
}

// inTrouble starts a server and gives it trouble until the test ends.
func inTrouble(t *testing.T, binary string, x trouble) *trouble {
	t.Helper()
	server, err := StartProcess(binary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	x.server, x.seed = server, *seedFlag
	x.ask, x.failed = make(chan chan struct{}), make(chan error, 1)
	if x.proxy, err = NewProxy(server.Addr(), x.lose); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(ended)
		x.killer(stop)
	}()
	t.Cleanup(func() {
		if err := x.proxy.Close(); err != nil {
			t.Error(err)
		}
		close(stop)
		<-ended
		if t.Failed() || x.broken {
			server.Kill()
			return
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &x
}

// killer kills the server when it is asked to, and starts it again.
func (x *trouble) killer(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case dead := <-x.ask:
			x.server.Kill()
			x.kills++
			close(dead)
			if err := x.server.Start(); err != nil {
				x.failed <- err
				return
			}
		}
	}
}

// kill has the server killed, if it is not just being started, and waits until it is dead.
func (x *trouble) kill() {
	dead := make(chan struct{})
	select {
	case x.ask <- dead:
		<-dead
	default:
	}
}

// lose decides for the proxy. Drivers look after servers with hello, and end
// without waiting for the answer: those replies are left alone.
func (x *trouble) lose(command string, n int) bool {
	switch command {
	case "hello", "isMaster", "ping", "endSessions", "killCursors":
		return false
	}
	x.replies++
	if x.killEvery > 0 && x.replies%x.killEvery == 0 {
		x.kill()
		return true // there is no connection to send it on.
	}
	if x.loseEvery == 0 || (uint64(n)+x.seed)%uint64(x.loseEvery) != 0 {
		return false
	}
	if x.since++; x.killLosing && x.since%4 == 0 {
		x.kill()
	}
	return true
}

// round runs one workload through the trouble, on a database of its own.
func (x *trouble) round(t *testing.T, n int, name string, w Workload) []Txn {
	t.Helper()
	rec := &Recorder{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*timesFlag)*2*time.Minute)
	defer cancel()
	l := Load{
		URI: "mongodb://" + x.proxy.Addr() + "/?directConnection=true", Database: fmt.Sprintf("%s%d", name, n),
		Seed: x.seed + uint64(n), Clients: 10, Attempts: 40 * *timesFlag, Level: x.level, Churn: true,
	}
	err := l.Run(ctx, w, rec)
	select {
	case failed := <-x.failed:
		t.Fatal(failed)
	default:
	}
	if err != nil && !x.broken {
		t.Error(err)
	}
	return rec.Txns()
}

// TestTrouble loses replies to commands of every kind and kills the server, at any
// time and right after it has done what the client is not told of.
func TestTrouble(t *testing.T) {
	testenv.Long(t)
	binary, err := BuildServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	x := inTrouble(t, binary, trouble{loseEvery: 23, killEvery: 400, killLosing: true})
	for i, w := range slices.Concat(workloads, workloads) {
		if x.level = Snapshot; i >= len(workloads) {
			x.level = Serializable
		}
		t.Run(fmt.Sprintf("%s/%s", x.level, w.name), func(t *testing.T) {
			txns := x.round(t, i, w.name, w.w)
			t.Logf("%v, %d kills", Outcomes(txns), x.kills)
			report(t, judge(t, fmt.Sprintf("%s-%d", w.name, x.seed+uint64(i)), txns, x.level))
			if n := Outcomes(txns)[Committed]; n < 100 {
				t.Errorf("only %d have committed", n)
			}
		})
	}
	lost := x.proxy.Lost()
	t.Logf("lost replies: %v", lost)
	for _, command := range []string{"find", "getMore", "aggregate", "insert", "update", "delete", "findAndModify", "bulkWrite", "commitTransaction", "abortTransaction"} {
		if lost[command] == 0 {
			t.Errorf("no reply to %s was lost", command)
		}
	}
	if x.kills < 5 {
		t.Errorf("only %d kills", x.kills)
	}
}

// TestPlanted builds servers that make mistakes, each of which must be found
// within a minute.
func TestPlanted(t *testing.T) {
	testenv.Long(t)
	for _, plant := range []struct {
		tag string
		x   trouble
	}{
		{"pando_plant_lost_claim", trouble{}},
		{"pando_plant_moving_snapshot", trouble{}},
		{"pando_plant_record_apart", trouble{loseEvery: 23, killLosing: true}},
		{"pando_plant_early_answer", trouble{killEvery: 300}},
		{"pando_plant_forgotten_read", trouble{level: Serializable}},
	} {
		t.Run(plant.tag, func(t *testing.T) {
			binary, err := BuildServer(t.TempDir(), plant.tag)
			if err != nil {
				t.Fatal(err)
			}
			plant.x.broken = true
			p := inTrouble(t, binary, plant.x)
			start := time.Now()
			for n := 0; time.Since(start) < time.Minute; n++ {
				w := workloads[n%len(workloads)]
				txns := p.round(t, n, w.name, w.w)
				found, err := Check(txns, cmp.Or(p.level, Snapshot))
				if err != nil {
					t.Fatal(err)
				}
				if len(found) == 0 {
					continue
				}
				named := map[Class]int{}
				for _, a := range found {
					named[a.Class]++
				}
				t.Logf("found after %v by %s: %v", time.Since(start), w.name, named)
				for _, c := range slices.Sorted(maps.Keys(named)) {
					t.Log(found[slices.IndexFunc(found, func(a Anomaly) bool { return a.Class == c })])
				}
				return
			}
			t.Error("not found in a minute")
		})
	}
}
