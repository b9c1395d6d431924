package actions

import (
	"os"
	"slices"
	"strings"
	"syscall"
)

// find returns the living processes of the group, and those outside it that
// carry the run's id.
func (t *tree) find() (members, strays []int) {
	all, err := processes()
	if err != nil { // no /proc
		return t.groupAlive(), nil
	}
	self, own := os.Getpid(), syscall.Getpgrp()
	for _, p := range all {
		switch {
		case p.dead || p.pid == self || t.sparesOwnGroup && p.group == own:
		case t.ownsGroup() && p.group == t.group:
			members = append(members, p.pid)
		case t.carries(p.pid):
			strays = append(strays, p.pid)
		}
	}
	return members, strays
}

// carries tells whether a process was started with the run's id. Those that
// may not be looked at are not ours to end either.
func (t *tree) carries(pid int) bool {
	if t.runID == "" || pid <= 1 {
		return false
	}
	env, err := os.ReadFile(procFile(pid, "environ"))
	return err == nil && slices.Contains(strings.Split(string(env), "\x00"), runIDKey+"="+t.runID)
}

func (t *tree) signalStray(pid int, sig syscall.Signal) {
	p, err := os.FindProcess(pid) // a pidfd: from here on it cannot become another process
	if err != nil {
		return
	}
	defer p.Release() //nolint:errcheck // nothing to do about it
	if t.carries(pid) {
		p.Signal(sig) //nolint:errcheck // gone or not permitted: alive tells
	}
}
