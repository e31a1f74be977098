//go:build !pando_plant_early_answer

package planted

// EarlyAnswer: a write concern of majority is answered when the commit is visible, before it is durable.
const EarlyAnswer = false
