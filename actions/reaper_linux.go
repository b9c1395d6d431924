package actions

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reap collects every orphan that has ended. Call it on SIGCHLD; one call
// serves any number of signals. Outside Linux it does nothing.
func (r *Reaper) Reap() {
	if r == nil {
		return
	}
	all, err := processes()
	if err != nil {
		return
	}
	self := os.Getpid()
	for _, p := range all {
		if p.dead && p.parent == self {
			r.reap(p.pid)
		}
	}
}

func (r *Reaper) reap(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, own := r.own[pid]; !own {
		unix.Wait4(pid, nil, unix.WNOHANG, nil) //nolint:errcheck // it was a command, waited for meanwhile
	}
}
