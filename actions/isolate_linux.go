package actions

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Isolate keeps actions that run as the agent's own user from reading its
// memory and environment (the agent's core dumps go with that), makes orphans
// of actions children of the agent, to be collected by Processes.Reap, and
// closes every descriptor above standard error to the commands it starts.
// Call it once, first thing in main. Elsewhere than on Linux only the
// descriptors are its business; on Windows it does nothing.
func Isolate() error {
	var errs []error
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("make the agent unreadable: %w", err))
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("become the parent of orphans: %w", err))
	}
	if err := closeOnExec(); err != nil {
		errs = append(errs, fmt.Errorf("keep open files from actions: %w", err))
	}
	return errors.Join(errs...)
}

// closeOnExec marks what whoever started the agent left open: a lock of
// flock(1), a file of root's, sockets of systemd.
func closeOnExec() error {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	names, err := os.ReadDir("/proc/self/fd") // Linux before 5.11
	if err != nil {
		return err
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
