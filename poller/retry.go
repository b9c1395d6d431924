package poller

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Retry says how often a revision is tried again whose actions have failed. What kitops
// could not run is always tried again.
type Retry struct {
	Times int           // after the first try; 0: never
	Pause time.Duration // before the first of them, doubled up to an hour; 0: the interval
}

// retryOf is what holds for a ref: tags and pull requests are tried once, unless the task says otherwise.
func (t Task) retryOf(ref string) *Retry {
	if t.Rules.Retry == nil && (strings.HasPrefix(ref, "refs/tags/") || strings.HasPrefix(ref, "refs/pull/")) {
		return &Retry{}
	}
	return t.Rules.Retry
}

// restFor is how long a revision rests after its given attempt did not succeed.
func (t Task) restFor(attempt int) time.Duration {
	first := t.Interval
	if r := t.Rules.Retry; r != nil {
		first = cmp.Or(r.Pause, first)
	}
	return pause(first, attempt)
}

// gaveUp tells whether a revision has failed as often as it may.
func (t Task) gaveUp(run *Run) bool {
	if run == nil || run.Outcome != Failure || run.Mistake != "" || run.Overtaken() {
		return false
	}
	if t.Heads == nil { // of which nothing but the memory is known here
		return run.GaveUp
	}
	retry := t.retryOf(run.Revision.Ref)
	return retry != nil && run.Failures > retry.Times
}

// gaveUpText says so, and how to go on.
func (r *Run) gaveUpText(task string) string {
	return fmt.Sprintf("gave up after %s; kitops again %s", counted(r.Failures), task)
}

func counted(tries int) string {
	if tries == 1 {
		return "a try"
	}
	return fmt.Sprintf("%d tries", tries)
}

func tries(n int) string {
	if n == 1 {
		return "a failed try"
	}
	return fmt.Sprintf("%d failed tries", n)
}

// giveUp notes that a run was the last try, and holds the ref at what was applied before where the task wants that.
func (t Task) giveUp(s State, run *Run) (State, *Hold) {
	if run.GaveUp = t.gaveUp(run); !run.GaveUp || !t.Rules.RollBack {
		return s, nil
	}
	r := s.Refs[run.Revision.Ref]
	if r.Pinned != nil || r.Order != nil || r.Applied == "" || r.Applied == run.Revision.SHA {
		return s, nil
	}
	back := &Hold{By: "on_failure", Since: run.Finished, Back: true, Anyway: true, SHA: r.Applied, From: run.Revision.SHA, Reason: "gave up after " + counted(run.Failures)}
	return s.with(run.Revision.Ref, func(r *RefState) { r.Pinned = back }), back
}

// tellGaveUp says that a run was the last try, and what becomes of its branch.
func (w *watch) tellGaveUp(run Run) {
	if run.GaveUp {
		w.say(run.Revision, run.gaveUpText(w.task.Name), time.Time{})
	}
	if w.back != nil {
		w.tell(Event{Kind: Ordered, Run: Run{Task: w.task.Name, Revision: git.Revision{Ref: run.Revision.Ref, SHA: w.back.SHA}}, Reason: w.back.pinnedText(time.Now())})
		delete(w.served, run.Revision.Ref)
		w.poke()
	}
}
