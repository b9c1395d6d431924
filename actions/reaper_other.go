//go:build !linux

package actions

// Reap does nothing outside Linux.
func (r *Reaper) Reap() {}
