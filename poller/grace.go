package poller

import (
	"cmp"
	"time"

	"github.com/bittrance/kitops/actions"
)

// graceOf is the time between SIGTERM and SIGKILL that an action has: on a shared store at most what
// the leases leave for it.
func (w *watch) graceOf(a actions.Action) time.Duration {
	grace := cmp.Or(a.Grace, w.task.Rules.Grace, actions.Grace)
	if w.p.Grace > 0 {
		grace = min(grace, w.p.Grace)
	}
	return grace
}

// LongestGrace is the longest time that any action has to end. It may be called at any time.
func (p *Poller) LongestGrace() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := actions.Grace
	for _, t := range p.tasks {
		longest = max(longest, t.Grace)
	}
	return longest
}
