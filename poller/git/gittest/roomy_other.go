//go:build !linux

package gittest

// roomy is for Linux.
func roomy(string) bool { return false }
