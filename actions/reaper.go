package actions

import (
	"os/exec"
	"sync"
)

// Reaper collects orphans that ended as children of the agent, which happens to
// PID 1 and after Isolate. It must know the commands the agent itself waits
// for, or it would take their exit status away; so all that the process starts
// has to be started with one Reaper. Safe for concurrent use; the zero value is
// ready, nil collects nothing.
type Reaper struct {
	mu  sync.Mutex
	own map[int]struct{} // process ids of commands not yet waited for
}

// start starts a command and remembers it. Under the lock, so that a command
// which ends at once is known before anybody sees it as a zombie.
func (r *Reaper) start(cmd *exec.Cmd) error {
	if r == nil {
		return startClean(cmd)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := startClean(cmd); err != nil {
		return err
	}
	if r.own == nil {
		r.own = map[int]struct{}{}
	}
	r.own[cmd.Process.Pid] = struct{}{}
	return nil
}

// forget follows cmd.Wait.
func (r *Reaper) forget(pid int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.own, pid)
}
