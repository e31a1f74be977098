package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// target is a server under measurement.
type target struct {
	uri    string
	name   string // "process:port"
	client *mongo.Client
	db     *mongo.Database
	pid    int
}

// connect opens a client of the server. It makes as many connections as there are
// clients at once, unless the URI says less.
func connect(ctx context.Context, uri string) (*target, error) {
	client, err := mongo.Connect(options.Client().SetMaxPoolSize(1000).ApplyURI(uri).SetServerSelectionTimeout(5 * time.Second))
	if err != nil {
		return nil, err
	}
	var status struct {
		Pid     int
		Process string
	}
	if err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status); err != nil {
		return nil, err
	}
	t := &target{uri: uri, client: client, db: client.Database("pando_bench"), pid: status.Pid}
	t.name = status.Process[strings.LastIndexByte(status.Process, '/')+1:]
	return t, nil
}

// cpu is the process's CPU time so far.
func (t *target) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read the CPU time of %d", t.pid)
	}
	const hertz = 100 // USER_HZ is 100 on every Linux that Go runs on.
	return time.Duration(user+system) * time.Second / hertz, nil
}

// result is one round.
type result struct {
	rate      float64
	cpuMicros float64
	p50, p99  float64 // milliseconds
	errors    int64
}

// median is the round with the median rate.
func median(rounds []result) result {
	slices.SortFunc(rounds, func(a, b result) int {
		switch {
		case a.rate < b.rate:
			return -1
		case a.rate > b.rate:
			return 1
		}
		return 0
	})
	return rounds[len(rounds)/2]
}

// run prepares a workload and runs it for a time.
func (t *target) run(ctx context.Context, w workload, d time.Duration) (result, error) {
	if err := t.db.Drop(ctx); err != nil {
		return result{}, err
	}
	if err := w.prepare(ctx, t); err != nil {
		return result{}, err
	}
	before, err := t.cpu()
	if err != nil {
		return result{}, err
	}
	var failed atomic.Int64
	times := make([][]time.Duration, w.conns)
	stop := time.Now().Add(d)
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range w.conns {
		wg.Go(func() {
			op := w.client(ctx, t, c)
			for time.Now().Before(stop) {
				at := time.Now()
				if err := op(); err != nil {
					if failed.Add(1) == 1 {
						log.Printf("the first error of %s on %s: %v", w.name, t.name, err)
					}
					continue
				}
				times[c] = append(times[c], time.Since(at))
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	after, err := t.cpu()
	if err != nil {
		return result{}, err
	}
	all := slices.Concat(times...)
	if len(all) == 0 {
		return result{}, fmt.Errorf("no operation succeeded (%d failed)", failed.Load())
	}
	slices.Sort(all)
	n := float64(len(all))
	ms := func(q float64) float64 { return float64(all[int(q*(n-1))].Microseconds()) / 1000 }
	return result{
		rate: n / took.Seconds(), cpuMicros: float64((after - before).Microseconds()) / n,
		p50: ms(0.5), p99: ms(0.99), errors: failed.Load(),
	}, nil
}
