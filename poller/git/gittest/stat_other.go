//go:build !linux

package gittest

import "io/fs"

// statOf is for Linux.
func statOf(fs.FileInfo, uint32) (stat [statSize]byte, err error) { return stat, errUnusual }
