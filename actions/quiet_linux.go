package actions

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Quiet tells whether all processes of a run have ended, as far as that can be known, and none of them could do more than
// its user may: whoever was root could have changed any file unseen, or the clock. The groups are those of its actions.
// A cgroup tells all of the processes of another user, who cannot leave it.
func (p *Processes) Quiet(runID string, user *User, groups []Group) bool {
	if p == nil || user.IsRoot() || user == nil && mighty() {
		return false
	}
	p.mu.Lock()
	parent := p.cgroup
	p.mu.Unlock()
	if parent != "" && len(parent.of(runID).members()) > 0 {
		return false
	}
	if parent != "" && user.IsAnother() && !slices.ContainsFunc(groups, func(g Group) bool { return g.Cgroup == "" }) {
		return true
	}
	all, err := processes(true)
	return err == nil && !slices.ContainsFunc(all, func(one process) bool {
		return !one.dead && (one.run == runID || slices.ContainsFunc(groups, func(g Group) bool { return one.session == g.ID || one.group == g.ID }))
	})
}

// mighty tells whether commands of the agent's own user may set the clock or
// mount, since the agent was started so that they do: what systemd.exec(5) calls
// AmbientCapabilities. Another user has none of them.
func mighty() bool {
	for _, capability := range []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_TIME} {
		if set, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, capability, 0, 0); err == nil && set == 1 {
			return true
		}
	}
	return false
}
