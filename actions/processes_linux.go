package actions

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reap collects every orphan that has ended. Call it on SIGCHLD; one call
// serves any number of signals. Outside Linux it does nothing.
func (p *Processes) Reap() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaps = true
	p.reap()
}

func (p *Processes) reap() {
	for {
		pid := ended(unix.P_ALL, 0)
		if pid == 0 {
			return
		}
		// The kernel would show a command of our own again and again, until it
		// is waited for: forget goes on from there.
		if _, own := p.own[pid]; own {
			return
		}
		if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil {
			return
		}
	}
}

// ended returns a child that has ended and was not waited for, 0 if there is
// none, -1 if there is no such child at all. It takes no status away.
func ended(kind, id int) int {
	var info unix.Siginfo
	for {
		err := unix.Waitid(kind, id, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECHILD) && kind == unix.P_PID:
			return -1
		case err != nil || info.Signo == 0:
			return 0
		default:
			// si_pid follows three ints, aligned as a pointer is, see siginfo.h.
			at := (3*unsafe.Sizeof(int32(0)) + unsafe.Alignof(uintptr(0)) - 1) &^ (unsafe.Alignof(uintptr(0)) - 1)
			return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), at)))
		}
	}
}

// hasEnded tells whether a command has ended, also where nobody knows it yet.
func hasEnded(pid int) bool { return ended(unix.P_PID, pid) != 0 }

// adopted lists the living children that the agent did not start itself, in
// sessions other than its own: orphans of actions. Called with the lock held.
func (p *Processes) adopted() (all []process) {
	session, err := unix.Getsid(0)
	if err != nil {
		return nil
	}
	for _, pid := range children() {
		child, err := readProcess(pid)
		if _, own := p.own[pid]; err == nil && !own && !child.dead && child.session != session {
			all = append(all, child)
		}
	}
	return all
}

// children lists the children of the agent. The kernel tells them by thread, or
// not at all, and then the list of all processes does.
func children() (pids []int) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	known := false
	for _, thread := range threads {
		line, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/children")
		if err != nil {
			continue
		}
		known = true
		for word := range strings.FieldsSeq(string(line)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	if known {
		return pids
	}
	all, err := processes(false)
	if err != nil {
		return nil
	}
	self := os.Getpid()
	for _, p := range all {
		if p.parent == self {
			pids = append(pids, p.pid)
		}
	}
	return pids
}
