package command_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv/pebblekv"
)

const (
	bulkBytes = 100 << 20 // that the transaction writes,
	docBytes  = 10 << 10  // in documents of this size,
	batchDocs = 100       // so many a statement.

	// memoryMultipleMax bounds what a large transaction takes, for each byte that
	// it writes, from its first statement to the end of its commit: the overlay,
	// and then the batch.
	memoryMultipleMax = 2.5
)

// TestMemoryOfLargeTransaction measures the memory of a transaction of 100 MB.
func TestMemoryOfLargeTransaction(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 100 MB")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what is measured is what is held.
	h := openHouseOn(t, t.TempDir(), pebblekv.Options{}, nil)
	t.Cleanup(h.close)
	c, s := h.conn(), lsid(1)
	c.run(`{"create":"c"}`).want(`{}`)
	h.conn().run(putAll).want(`{"n":4}`)
	var peak atomic.Uint64
	base := heapInUse(true)
	watch := func() {
		for now := heapInUse(false); ; {
			was := peak.Load()
			if now <= was || peak.CompareAndSwap(was, now) {
				return
			}
		}
	}
	text := strings.Repeat("x", docBytes-40)
	statements := bulkBytes / docBytes / batchDocs
	for i := range statements {
		body := bulkInsert(i*batchDocs, text)
		more := s.within(1)
		if i == 0 {
			more = s.starting(1)
		}
		c.send(body, more).want(fmt.Sprintf(`{"n":%d}`, batchDocs))
		if i%10 == 0 {
			runtime.GC()
			watch()
		}
	}
	runtime.GC()
	watch()
	open := peak.Load()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				watch()
				runtime.Gosched()
			}
		}
	}()
	c.run(commit, s.within(1)).want(`{}`)
	close(stop)
	<-done
	multiple := func(n uint64) float64 { return (float64(n) - float64(base)) / bulkBytes }
	t.Logf("for each byte written: %.2f while open, %.2f at the commit", multiple(open), multiple(peak.Load()))
	if got := multiple(peak.Load()); got > memoryMultipleMax {
		t.Errorf("a transaction takes %.1f bytes for each that it writes", got)
	}
	h.conn().run(`{"count":"c"}`)
}

// heapInUse is the memory of the heap, garbage left out if collect is set.
func heapInUse(collect bool) uint64 {
	if collect {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func bulkInsert(from int, text string) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.String("insert", "c")
	b.OpenArray("documents")
	for i := range batchDocs {
		b.OpenDoc(bsonx.Index(i))
		b.Int32("_id", int32(1000+from+i))
		b.String("t", text)
		b.Close()
	}
	b.Close()
	return b.Doc()
}
