//go:build !linux

package gittest

// InMemory is for Linux.
func InMemory() {}
