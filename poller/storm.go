package poller

import (
	"fmt"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

const (
	stormAt    = 50               // runs of a task that fail in a row
	stormPause = 10 * time.Minute // between two retries then, unless the interval is longer
)

// storm is how often the runs of a task have failed in a row, on whatever refs.
type storm struct {
	Failures int       `yaml:"failures"`
	Last     time.Time `yaml:"last"`
}

// counting returns the state that knows how a run has ended. What was cut off, cancelled, a repetition or had nothing to do says nothing.
func (s State) counting(run Run) State {
	switch {
	case run.Outcome == Success && !run.Idle():
		s.Storm = nil
	case run.Outcome == Success, run.Interrupted(), run.Cancelled != "", run.Superseded != "", run.same:
	default:
		now := storm{Failures: 1, Last: run.Finished}
		if s.Storm != nil {
			now.Failures += s.Storm.Failures
		}
		s.Storm = &now
	}
	return s
}

// rages tells whether retries have to slow down.
func (s *storm) rages() bool { return s != nil && s.Failures >= stormAt }

func (t Task) stormPause() time.Duration { return max(stormPause, t.Interval) }

// stormText says that they do.
func (t Task) stormText() string {
	return fmt.Sprintf("%d runs in a row have failed, or more: what has failed is tried again one at a time, every %s, until one succeeds", stormAt, t.stormPause())
}

// alarms are what people hear once of a run after which the task slows down.
func (t Task) alarms(before, now State) (all []string) {
	if now.Storm.rages() && !before.Storm.rages() {
		all = append(all, t.stormText())
	}
	if now.Rounds.many() && !before.Rounds.many() {
		all = append(all, t.roundsText(now.Rounds))
	}
	return all
}

// calm keeps retries back where runs of the task fail without end: heads that are new, and what people order, go before
// as ever.
func (v *verdict) calm(t Task, now time.Time) {
	s := v.state.Storm
	if !s.rages() {
		return
	}
	wait := ahead(s.Last.Add(t.stormPause()), now, t.stormPause())
	for _, r := range v.state.Refs {
		wait = wait || r.unfinished() && r.Run.Attempt > 1
	}
	var todo []git.Revision
	for _, rev := range v.todo {
		switch retry := rankOf(v.state.Refs[rev.Ref], rev) == triedBefore; {
		case retry && wait:
			v.calmed = append(v.calmed, rev)
		default:
			wait = wait || retry
			todo = append(todo, rev)
		}
	}
	v.todo = todo
}
