//go:build !linux

package pebblekv

import "github.com/cockroachdb/pebble/v2/vfs"

// newLogDisk is the file system as it is: see logfile_linux.go.
func newLogDisk(fs vfs.FS) vfs.FS { return fs }
