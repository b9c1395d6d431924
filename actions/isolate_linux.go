package actions

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Isolate keeps actions that run as the agent's own user from reading its
// memory and environment (the agent's core dumps go with that), and makes
// orphans of actions children of the agent, to be collected by Reaper.Reap.
// Both hold for the process and not for the commands it starts. Call it once,
// before the first action; outside Linux it does nothing.
func Isolate() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make the agent unreadable: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	return nil
}
