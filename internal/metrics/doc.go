// Package metrics is counting that costs next to nothing: counters and gauges of
// atomics. Each belongs to the struct of the layer that counts, and serverStatus
// reads them there: there is no registry and no global state.
//
// Their zero values are ready, and all are safe for concurrent use.
package metrics
