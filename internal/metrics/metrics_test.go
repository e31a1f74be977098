package metrics

import (
	"sync"
	"testing"
	"time"
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
	if c.Get() != 4000 || g.Get() != 0 || g.Peak() < 1 || g.Peak() > 4 {
		t.Error(c.Get(), g.Get(), g.Peak())
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	for i := range 100 {
		h.Observe(time.Duration(i) * time.Microsecond)
	}
	h.Observe(-time.Second)
	h.Observe(1 << 62)
	d := h.Snapshot()
	if d.Count != 102 || d.Buckets[0] != 2 || d.Buckets[1] != 1 || d.Buckets[7] != 36 || d.Buckets[buckets-1] != 1 {
		t.Errorf("%+v", d)
	}
	if m := d.Quantile(0.5); m < 50*time.Microsecond || m > 100*time.Microsecond {
		t.Errorf("median %v", m)
	}
}
