//go:build !pando_plant_forgotten_read

package planted

// ForgottenRead: a key that a serializable transaction has read by itself, and not by a scan, does not count.
const ForgottenRead = false
