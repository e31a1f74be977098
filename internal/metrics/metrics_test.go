package metrics

import (
	"sync"
	"testing"
)

func TestCounts(t *testing.T) {
	var c Counter
	var g Gauge
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				c.Inc()
				g.Add(1)
				g.Add(-1)
			}
		})
	}
	wg.Wait()
	if c.Get() != 4000 || g.Get() != 0 {
		t.Error(c.Get(), g.Get())
	}
}
