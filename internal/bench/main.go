// Command bench compares two servers of one machine, in one run: how many
// operations a second they do, and how much of the servers' own CPU time each
// operation costs. It takes any two URIs, of which the second may be missing.
//
//	go run ./internal/bench -seconds 5 mongodb://127.0.0.1:27018 mongodb://127.0.0.1:27017
//
// The servers must run on this machine: their CPU time is read from /proc, by the
// pid that serverStatus tells.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"text/tabwriter"
	"time"
)

func main() {
	seconds := flag.Float64("seconds", 5, "how long each workload runs on each server, per round")
	rounds := flag.Int("rounds", 3, "how often; the median counts")
	conns := flag.Int("connections", 8, "concurrent clients")
	only := flag.String("only", "", "run only the workload of this name")
	flag.Parse()
	if flag.NArg() < 1 || flag.NArg() > 2 {
		log.Fatal("usage: bench [flags] URI [URI]")
	}
	ctx := context.Background()
	var targets []*target
	for _, uri := range flag.Args() {
		t, err := connect(ctx, uri)
		if err != nil {
			log.Fatalf("%s: %v", uri, err)
		}
		targets = append(targets, t)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "workload\tserver\top/s\tCPU µs/op\tp50 ms\tp99 ms\terrors\t")
	for _, w := range workloads(*conns) {
		if *only != "" && w.name != *only {
			continue
		}
		results := make([][]result, len(targets))
		for range *rounds {
			for i, t := range targets {
				r, err := t.run(ctx, w, time.Duration(*seconds*float64(time.Second)))
				if err != nil {
					log.Fatalf("%s on %s: %v", w.name, t.uri, err)
				}
				results[i] = append(results[i], r)
			}
		}
		report(out, w, targets, results)
		out.Flush()
	}
}

func report(out *tabwriter.Writer, w workload, targets []*target, results [][]result) {
	var medians []result
	for i, t := range targets {
		m := median(results[i])
		medians = append(medians, m)
		fmt.Fprintf(out, "%s\t%s\t%.0f\t%.1f\t%.2f\t%.2f\t%d\t\n", w.name, t.name, m.rate, m.cpuMicros, m.p50, m.p99, m.errors)
	}
	if len(medians) == 2 {
		a, b := medians[0], medians[1]
		fmt.Fprintf(out, "\tratio\t%.2f\t%.2f\t%.2f\t%.2f\t\t\n", a.rate/b.rate, a.cpuMicros/b.cpuMicros, a.p50/b.p50, a.p99/b.p99)
	}
}
