//go:build race

package pebblekv

// underRace makes long tests shorter: what they do is the same, ten times slower.
const underRace = true
