//go:build !windows

package actions

import (
	"errors"
	"syscall"
)

// Interrupt sends SIGINT to the leader alone, if it is still the same process. It waits for nothing.
func (g Group) Interrupt() error {
	if g.ID <= 1 || g.Started != startOf(g.ID) {
		return errors.New("the process has ended")
	}
	return syscall.Kill(g.ID, syscall.SIGINT)
}
