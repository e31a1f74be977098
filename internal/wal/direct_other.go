//go:build !linux

package wal

import "github.com/cockroachdb/pebble/v2/vfs"

// Direct is the file system as it is: see direct_linux.go.
func Direct(fs vfs.FS) vfs.FS { return fs }
