package pebblekv

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/wal"
)

// watchedDisk is the file system that Pebble sees, with two rules added.
//
// A write that fails kills the store, before Pebble hears of it, and a dead store
// writes nothing more. Pebble answers some failed writes by trying again and others
// by panicking, at times with its locks in disorder; what a host should see instead
// is one clear error, at once.
//
// A new manifest's directory entry is synced at once. Pebble syncs it together
// with the marker that names it, and a crash in between may keep only the marker.
type watchedDisk struct {
	vfs.FS
	store *Store
}

// slowOperation is how long an operation may take before the log tells of it.
const slowOperation = 5 * time.Second

// machineDisk returns the machine's own disk, and what to close when it is no longer used.
func (s *Store) machineDisk() (vfs.FS, io.Closer) {
	return vfs.WithDiskHealthChecks(wal.Direct(vfs.Default), slowOperation, nil, func(info vfs.DiskSlowInfo) {
		s.log.Warn("the disk is slow", slog.String("operation", info.String()))
	})
}

// write does op, unless the store is dead. If it fails, or is not done, Pebble must
// not see that: it does not return then, and what waits for it waits until the host
// has ended the process.
func (d watchedDisk) write(name string, op func() error) error {
	s := d.store
	err := s.alive()
	if err == nil {
		if err = op(); err == nil {
			return nil
		}
		s.diedf("write to disk: %s: %w", d.PathBase(name), err)
	}
	select {}
}

// open is write for what opens a file.
func (d watchedDisk) open(name string, op func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := d.write(name, func() (err error) {
		f, err = op()
		return err
	})
	if err != nil {
		return nil, err
	}
	return watchedFile{f, d, name}, nil
}

// Unwrap implements vfs.FS.
func (d watchedDisk) Unwrap() vfs.FS { return d.FS }

// Create implements vfs.FS.
func (d watchedDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.open(name, func() (vfs.File, error) {
		f, err := d.FS.Create(name, category)
		if err == nil && strings.HasPrefix(d.PathBase(name), "MANIFEST") {
			err = wal.SyncDir(d.FS, d.PathDir(name))
		}
		return f, err
	})
}

// OpenReadWrite implements vfs.FS.
func (d watchedDisk) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.open(name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, category, opts...) })
}

// OpenDir implements vfs.FS.
func (d watchedDisk) OpenDir(name string) (vfs.File, error) {
	return d.open(name, func() (vfs.File, error) { return d.FS.OpenDir(name) })
}

// ReuseForWrite implements vfs.FS.
func (d watchedDisk) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.open(newname, func() (vfs.File, error) { return d.FS.ReuseForWrite(oldname, newname, category) })
}

// Link implements vfs.FS.
func (d watchedDisk) Link(oldname, newname string) error {
	return d.write(newname, func() error { return d.FS.Link(oldname, newname) })
}

// Rename implements vfs.FS.
func (d watchedDisk) Rename(oldname, newname string) error {
	return d.write(newname, func() error { return d.FS.Rename(oldname, newname) })
}

// MkdirAll implements vfs.FS.
func (d watchedDisk) MkdirAll(dir string, perm os.FileMode) error {
	return d.write(dir, func() error { return d.FS.MkdirAll(dir, perm) })
}

// Remove implements vfs.FS. A file that cannot be removed harms nobody.
func (d watchedDisk) Remove(name string) error {
	if err := d.store.alive(); err != nil {
		return err
	}
	return d.FS.Remove(name)
}

// watchedFile is an open file of a watchedDisk.
type watchedFile struct {
	vfs.File
	disk watchedDisk
	name string
}

// Write implements vfs.File.
func (f watchedFile) Write(p []byte) (n int, err error) {
	err = f.disk.write(f.name, func() (err error) {
		n, err = f.File.Write(p)
		return err
	})
	return n, err
}

// WriteAt implements vfs.File.
func (f watchedFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.disk.write(f.name, func() (err error) {
		n, err = f.File.WriteAt(p, at)
		return err
	})
	return n, err
}

// Sync implements vfs.File.
func (f watchedFile) Sync() error { return f.disk.write(f.name, f.File.Sync) }

// SyncData implements vfs.File.
func (f watchedFile) SyncData() error { return f.disk.write(f.name, f.File.SyncData) }

// SyncTo implements vfs.File.
func (f watchedFile) SyncTo(length int64) (full bool, err error) {
	err = f.disk.write(f.name, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}
