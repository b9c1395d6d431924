//go:build linux

package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// actionArg makes the program the action of a task.
const actionArg = "act"

// What an action writes into the ledger.
const (
	started = "start"
	overlap = "overlap" // another one of its task lives
	ended   = "done"
)

// act is the action: it notes that it starts, has a child, takes its time, and notes that it ends. A third of all do not mind
// SIGTERM. Who sees the lock of the task held runs beside another.
func act() error {
	place, task, sha := os.Getenv("CHAOS_PLACE"), os.Getenv("KITOPS_TASK_NAME"), os.Getenv("KITOPS_SHA")
	unit, err := time.ParseDuration(os.Getenv("CHAOS_UNIT"))
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(place, "lock-"+task), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if err := note(place, overlap, task, sha); err != nil {
			return err
		}
	}
	if err := note(place, started, task, sha); err != nil {
		return err
	}
	takes, deaf := temper(sha, unit)
	if deaf {
		signal.Ignore(syscall.SIGTERM)
	}
	child := exec.Command("sleep", strconv.FormatFloat(takes.Seconds(), 'f', 3, 64)) //nolint:noctx // it is to be ended from outside
	child.ExtraFiles = []*os.File{lock}                                              // it counts, too
	if err := child.Run(); err != nil {
		return fmt.Errorf("sleep: %w", err)
	}
	return note(place, ended, task, sha)
}

// temper is how long the action of a revision takes, and whether it is deaf to SIGTERM.
func temper(sha string, unit time.Duration) (takes time.Duration, deaf bool) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(sha))
	n := h.Sum32()
	part := time.Duration(n/30%1000) * unit / 1000
	switch {
	case n%10 < 6:
		return part / 3, n%3 == 0
	case n%10 < 9:
		return part, n%3 == 0
	}
	return 2 * part, n%3 == 0
}

// note appends a line to the ledger: the time of the boot clock, what, the task, the ref, the commit, the agent.
func note(place, what, task, sha string) error {
	file, err := os.OpenFile(filepath.Join(place, "ledger"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%d %s %s %s %s %d\n", now(), what, task, os.Getenv("KITOPS_REF"), sha, os.Getppid())
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// now is the time of the boot clock.
func now() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return time.Duration(t.Nano())
}

// entry is a line of the ledger.
type entry struct {
	at             time.Duration
	what           string
	task, ref, sha string
	agent          int
}

func readLedger(place string) ([]entry, error) {
	text, err := os.ReadFile(filepath.Join(place, "ledger"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var all []entry
	for line := range strings.Lines(string(text)) {
		var e entry
		if _, err := fmt.Sscanf(line, "%d %s %s %s %s %d", (*int64)(&e.at), &e.what, &e.task, &e.ref, &e.sha, &e.agent); err != nil {
			return nil, fmt.Errorf("ledger: %q: %w", line, err)
		}
		all = append(all, e)
	}
	return all, nil
}
