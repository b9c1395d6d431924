package actions

import (
	"slices"
)

// Quiet tells whether all processes of a run have ended, as far as that can be known, and none of them could do more than
// its user may: whoever was root could have changed any file unseen, or the clock. The groups are those of its actions.
// A cgroup tells all of the processes of another user, who cannot leave it.
func (p *Processes) Quiet(runID string, user *User, groups []Group) bool {
	if p == nil || user.IsRoot() {
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
