package actions

import (
	"os"
	"os/exec"
	"slices"
	"sync"
)

// mostDrained is how many background processes may keep printing into pipes
// that nobody reads any more; beyond it the oldest pipe is closed.
const mostDrained = 100

// Processes is the agent's knowledge of the processes that its actions started.
// One serves all actions of a process. It collects orphans that ended as
// children of the agent, which happens to PID 1 and after Isolate. It must know
// the commands the agent itself waits for, or it would take their exit status
// away; so all that the process starts has to be started with it. Safe for
// concurrent use; the zero value is ready, nil knows and collects nothing.
type Processes struct {
	mu      sync.Mutex
	own     map[int]struct{} // process ids of commands not yet waited for
	running map[*tree]struct{}
	reaps   bool       // Reap has been called
	drains  []*os.File // the oldest first
	cgroup  cgroup     // below which runs have theirs
	moves   bool       // the agent has to enter a cgroup to start something there
}

// start starts a command and remembers it. Under the lock, so that a command
// which ends at once is known before anybody sees it as a zombie. Build makes
// the command, which can be tried only once.
func (p *Processes) start(build func() *exec.Cmd, t *tree) (*exec.Cmd, error) {
	if p == nil {
		cmd, err := t.startOutside(build, nil)
		if err == nil {
			t.lead(cmd.Process.Pid)
		}
		return cmd, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.meet(p.running, p.adopted())
	cmd, err := t.startInCgroup(build, p)
	if err != nil {
		p.cgroup.sweep()
		return nil, err
	}
	if p.own == nil {
		p.own, p.running = map[int]struct{}{}, map[*tree]struct{}{}
	}
	t.lead(cmd.Process.Pid)
	p.own[cmd.Process.Pid] = struct{}{}
	p.running[t] = struct{}{}
	return cmd, nil
}

// Run starts a command that is no action, and waits for it.
func (p *Processes) Run(cmd *exec.Cmd) error {
	if p == nil {
		return cmd.Run()
	}
	err := func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := cmd.Start(); err != nil {
			return err
		}
		if p.own == nil {
			p.own, p.running = map[int]struct{}{}, map[*tree]struct{}{}
		}
		p.own[cmd.Process.Pid] = struct{}{}
		return nil
	}()
	if err != nil {
		return err
	}
	defer p.forget(cmd.Process.Pid)
	return cmd.Wait()
}

// forget follows cmd.Wait.
func (p *Processes) forget(pid int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.own, pid)
	if p.reaps {
		p.reap() // an orphan may have ended behind this one
	}
}

// leave follows the end of an action, and removes cgroups that have become empty.
func (p *Processes) leave(t *tree) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, t)
	p.cgroup.sweep()
}

// drain notes a pipe that is read to nowhere, as long as the agent lives.
func (p *Processes) drain(pipe *os.File) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drains = append(p.drains, pipe); len(p.drains) > mostDrained {
		p.drains[0].Close()
		p.drains = slices.Delete(p.drains, 0, 1)
	}
}

// drained forgets a pipe that has ended.
func (p *Processes) drained(pipe *os.File) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drains = slices.DeleteFunc(p.drains, func(other *os.File) bool { return other == pipe })
}
