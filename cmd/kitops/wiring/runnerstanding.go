package wiring

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/metrics"
)

// standings are those of the tasks, then those of the runners.
func (a *Agent) standings(ctx context.Context) ([]poller.Standing, error) {
	all, err := a.Standings(ctx)
	return append(all, a.runners.standings()...), err
}

// standing is that of a task or of runners.
func (a *Agent) standing(ctx context.Context, name string) (poller.Standing, bool, error) {
	for _, s := range a.runners.standings() {
		if s.Task == name {
			return s, true, nil
		}
	}
	return a.StandingOf(ctx, name)
}

func (r *runnerSets) standings() (all []poller.Standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, set := range r.sets {
		at := set.set.Standing()
		why := fmt.Sprintf("%d of at most %d runners, %d wanted", at.Running, at.Max, at.Wanted)
		if r.agent.Members != nil {
			why += "; " + r.listens(at.Listener)
		}
		if at.Untold > 0 {
			why += fmt.Sprintf("; GitHub counts %d more than the jobs that it told of", at.Untold)
		}
		if at.Why != "" {
			why += "; " + at.Why
		}
		all = append(all, poller.Standing{Task: set.Name, URL: set.URL, Why: why, Refs: []poller.RefStanding{}})
	}
	slices.SortFunc(all, func(a, b poller.Standing) int { return strings.Compare(a.Task, b.Task) })
	return all
}

// measured are the numbers of each set.
func (r *runnerSets) measured() (all []metrics.Runners) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, set := range r.sets {
		at := set.set.Standing()
		all = append(all, metrics.Runners{Set: set.Name, Idle: at.Running - at.Busy, Busy: at.Busy, Wanted: at.Wanted, Max: at.Max, Blocked: at.Blocked})
	}
	slices.SortFunc(all, func(a, b metrics.Runners) int { return strings.Compare(a.Set, b.Set) })
	return all
}

// listens says who listens for the jobs of all.
func (r *runnerSets) listens(listener string) string {
	switch listener {
	case "":
		return "nobody listens"
	case r.agent.Members.Instance.Owner.Name:
		return "listens for all"
	}
	return listener + " listens"
}
