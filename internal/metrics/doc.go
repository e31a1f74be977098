// Package metrics is counting that costs next to nothing: counters, gauges and
// histograms of atomics. Each belongs to the struct of the layer that counts, and
// serverStatus reads them there: there is no registry and no global state.
//
// Their zero values are ready, and all are safe for concurrent use. A snapshot is
// not one instant: counts that go on meanwhile may be in one number and not yet in
// another.
package metrics
