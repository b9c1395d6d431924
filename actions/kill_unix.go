//go:build !windows

package actions

import "syscall"

// Kill ends the process groups and cgroups of all commands at once, by SIGKILL, and waits
// for nothing but commands that are being started. It is for an agent that has
// to end and does not get around to ending its actions one by one.
func (p *Processes) Kill() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for pid := range p.own {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // it may have ended
	}
	for tree := range p.running {
		tree.cgroup.kill()
	}
}
