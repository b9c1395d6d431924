package actions

import "context"

// Group is the identity of a command's process group. It can be saved: it
// tells the group from a later one with the same number, also after a reboot.
type Group struct {
	ID int `yaml:"id"` // process id of its leader
	// Started is the leader's start as the system tells it, together with what
	// tells one boot from another; empty where the system cannot say.
	Started string `yaml:"started"`
	// Cgroup is the one of the run, as the cgroup v2 hierarchy names it; empty where there is none.
	Cgroup string `yaml:"cgroup,omitempty"`
}

func groupOf(t *tree) Group {
	return Group{ID: t.group, Started: startOf(t.group), Cgroup: t.cgroup.saved()}
}

// Stop ends what an agent that is gone has left running: the group if it is
// still the same one, on Linux the members of the run's cgroup, and whatever
// carries the run's id. The zero Group
// stands for none. It never touches the caller or the caller's own group.
//
// It sends SIGTERM, and SIGKILL after Grace or once kill is closed. The error
// names processes that do not end, or wraps context.Cause(ctx) when ctx is done
// first; what is alive by then lives on. Nothing to stop is no error.
func (g Group) Stop(ctx context.Context, runID string, kill <-chan struct{}) error {
	t := g.tree(runID)
	defer t.release()
	defer t.cgroup.remove()
	return t.stop(ctx, Grace, kill)
}

// tree is what another process than the caller's has started.
func (g Group) tree(runID string) *tree {
	t := &tree{runID: runID, sparesOwnGroup: true, cgroup: savedCgroup(g.Cgroup, runID)}
	if g.ID > 1 && g.Started != "" && g.Started == startOf(g.ID) {
		t.group = g.ID
	}
	return t
}
