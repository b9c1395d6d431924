//go:build unix

package wiring

import (
	"fmt"
)

// Keep holds the locks on state and lasting directory, and the address of the
// server, beyond the end of this agent: for the program that takes its place.
func (a *Agent) Keep() (kept Handed, err error) {
	kept = Handed{}
	defer func() {
		if err != nil {
			kept.Close()
		}
	}()
	if a.state.Lock != nil { // else the next one takes this one's leases over
		if kept[handedState], err = a.state.Lock.Keep(); err != nil {
			return nil, fmt.Errorf("keep the state: %w", err)
		}
	}
	if !a.dirs.temporary {
		if kept[handedRepos], err = a.dirs.Lock.Keep(); err != nil {
			return nil, fmt.Errorf("keep the directory for clones: %w", err)
		}
	}
	if a.hooks == nil || a.hooks.server == nil {
		return kept, nil
	}
	if kept[handedListen], err = a.hooks.server.Keep(); err != nil {
		return nil, fmt.Errorf("keep the address of the server: %w", err)
	}
	return kept, nil
}
