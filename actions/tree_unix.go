//go:build !windows

package actions

import (
	"errors"
	"os"
	"syscall"
)

// tree is every process of a command that can be found.
type tree struct {
	group int    // 0: none that is known to be ours
	runID string // "": unknown
	// sparesOwnGroup leaves the caller's group alone even where it carries the
	// run's id: an agent restarted by the action it has to clean up after.
	sparesOwnGroup bool
}

func newTree(leader int, runID string) *tree { return &tree{group: leader, runID: runID} }

func (t *tree) release() {}

func (t *tree) terminate() {
	t.signal(syscall.SIGTERM)
	t.signal(syscall.SIGCONT) // a suspended process takes no SIGTERM
}

func (t *tree) kill() { t.signal(syscall.SIGKILL) }

func (t *tree) alive() []int {
	members, strays := t.find()
	return append(members, strays...)
}

func (t *tree) signal(sig syscall.Signal) {
	members, strays := t.find()
	if len(members) > 0 {
		syscall.Kill(-t.group, sig) //nolint:errcheck // gone or not permitted: alive tells
	}
	for _, pid := range strays {
		t.signalStray(pid, sig)
	}
}

// groupAlive asks the kernel, which counts a zombie as well.
func (t *tree) groupAlive() (members []int) {
	if t.ownsGroup() && syscall.Kill(-t.group, 0) == nil {
		return []int{t.group}
	}
	return nil
}

// ownsGroup keeps kill(2) from its special cases: -1 is everybody.
func (t *tree) ownsGroup() bool {
	return t.group > 1 && (!t.sparesOwnGroup || t.group != syscall.Getpgrp())
}

func sysProcAttr(u *User) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if u != nil && os.Geteuid() == 0 { // else it is ourselves: LookupUser refuses others
		attr.Credential = u.credential()
	}
	return attr
}

func isTextBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

func isNoExec(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
