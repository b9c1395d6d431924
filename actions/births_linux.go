package actions

import (
	"bytes"
	"os"
	"slices"
	"strconv"
)

// The bounds of how long births are followed: on a host that starts processes
// faster than they can be examined, nothing is ever quiet.
const (
	mostPasses = 20
	mostBirths = 1024
	// justBorn processes before a look are examined again: the kernel gives a
	// process its number a little before it shows it.
	justBorn = 32
)

// examination is the list of processes that it takes more than one pass over
// /proc to be sure of: one that forks and ends at once is never where the
// reader of a list looks for it.
type examination struct {
	withRun bool
	all     map[int]process
}

// examine reads one process, and tells whether there is no more to learn of it:
// one that is not there may yet appear, and one that is blank may be in the
// middle of an exec.
func (e *examination) examine(pid int) (sure bool) {
	p, err := readProcess(pid)
	if err != nil {
		return false
	}
	if e.withRun && !p.dead && p.pid > 1 {
		p.run, p.blank = runIDOf(pid)
	}
	e.all[pid] = p
	return !p.blank
}

// follow examines what was born since a process, in the order of birth, until a
// whole pass over those it is not sure of has seen nothing born. Then nobody has
// slipped through: a child that could not be seen yet has a parent that lives
// until it can, and the parent was examined before the child.
func (e *examination) follow(since int) {
	var unsure []int
	for range mostPasses {
		newest := newestProcess()
		born := between(since, newest)
		quiet := len(born) == 0
		if len(unsure)+len(born) > mostBirths {
			return
		}
		unsure = slices.DeleteFunc(append(unsure, born...), func(pid int) bool { return isThread(pid) || e.examine(pid) })
		if quiet && newestProcess() == newest {
			return
		}
		since = newest
	}
}

// newestProcess returns the id of the process or thread that was born last, 0
// if the system does not tell; see proc_loadavg(5).
func newestProcess() int {
	load, _ := os.ReadFile("/proc/loadavg")
	return number(load[bytes.LastIndexByte(bytes.TrimSpace(load), ' ')+1:])
}

// between lists the ids from one process to another, the first left out. They
// begin anew after the largest.
func between(from, to int) (pids []int) {
	if to < from {
		text, _ := os.ReadFile("/proc/sys/kernel/pid_max")
		for pid := from + 1; pid < number(text) && len(pids) <= mostBirths; pid++ {
			pids = append(pids, pid)
		}
		from = 0
	}
	for pid := from + 1; pid <= to && len(pids) <= mostBirths; pid++ {
		pids = append(pids, pid)
	}
	return pids
}

// isThread tells whether an id is that of a thread of a process with another
// one. /proc lists none of them, but opens them.
func isThread(pid int) bool {
	status, _ := os.ReadFile(procFile(pid, "status"))
	_, rest, found := bytes.Cut(status, []byte("\nTgid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return found && number(line) != pid
}

func number(text []byte) int {
	n, _ := strconv.Atoi(string(bytes.TrimSpace(text))) // no number is 0
	return n
}
