//go:build race

package testenv

// UnderRace tells whether the race detector watches, under which all takes ten
// times as long.
const UnderRace = true
