//go:build !linux

package actions

// Isolate does nothing outside Linux.
func Isolate() error { return nil }
