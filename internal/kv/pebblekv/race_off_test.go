//go:build !race

package pebblekv

const underRace = false
