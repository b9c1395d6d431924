//go:build !windows

package actions

import "syscall"

// Kill ends the process groups of all commands at once, by SIGKILL, and waits
// for nothing but commands that are being started. It is for an agent that has
// to end and does not get around to ending its actions one by one.
func (r *Reaper) Kill() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for pid := range r.own {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // it may have ended
	}
}
