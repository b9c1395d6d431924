//go:build !linux && !windows

package actions

import (
	"os/exec"
	"syscall"
)

// tree is the process group of an action.
type tree struct {
	group          int    // 0: none that is known to be ours
	runID          string // without meaning here
	sparesOwnGroup bool
	limits         Limits
	cgroup         cgroup
	all            *Processes
}

func (t *tree) meet(map[*tree]struct{}, []process) {}

func (t *tree) startInCgroup(build func() *exec.Cmd, _ *Processes) (*exec.Cmd, error) {
	return t.startOutside(build, nil)
}

func (t *tree) lead(pid int) { t.group = pid }

func (t *tree) release() {}

func (t *tree) terminate() {
	t.signal(syscall.SIGTERM)
	t.signal(syscall.SIGCONT) // a suspended process takes no SIGTERM
}

func (t *tree) kill() { t.signal(syscall.SIGKILL) }

func (t *tree) signal(sig syscall.Signal) {
	if t.ownsGroup() {
		syscall.Kill(-t.group, sig) //nolint:errcheck // gone or not permitted: alive tells
	}
}

// alive asks the kernel, which counts a zombie as well.
func (t *tree) alive() []int {
	if t.ownsGroup() && syscall.Kill(-t.group, 0) == nil {
		return []int{t.group}
	}
	return nil
}

func (t *tree) doubtful() error { return nil }

// ownsGroup keeps kill(2) from its special cases: -1 is everybody.
func (t *tree) ownsGroup() bool {
	return t.group > 1 && (!t.sparesOwnGroup || t.group != syscall.Getpgrp())
}
