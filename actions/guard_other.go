//go:build !linux

package actions

import (
	"errors"
	"time"
)

// BootClock returns a clock that nobody sets. It may stand still while the machine sleeps.
func BootClock() (now func() time.Duration) {
	begun := time.Now()
	return func() time.Duration { return time.Since(begun) }
}

// StartGuard starts none: on this system only the agent itself ends its actions, so
// those of one that was killed or stopped may outlive its lease.
func (*Processes) StartGuard(string, time.Duration, time.Duration) (*Guard, error) { return nil, nil }

// RunGuard has nothing to guard here.
func RunGuard() error { return errors.New("there are no guards on this system") }
