package metrics

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

// maxSeries is how many refs of a task are told.
const maxSeries = 100

// pullRequests are told as one, and so are tags: there may be any number of them.
const (
	pullRequests = "refs/pull/"
	tags         = "refs/tags/"
)

// The results of polls.
const (
	polled = "success"
	failed = "error"
	putOff = "put_off" // until a limit of the host is over
)

// task is what is known of a task between two scrapes.
type task struct {
	runs     map[poller.Outcome]uint64
	polls    map[string]uint64
	answered time.Time // a poll was, or a run has ended: the last sign that all is well; at first when it was heard of
	running  bool
	fresh    bool // its run is the first try at a revision, and has had no action
	refs     map[string]ref

	mirror   int64 // bytes; -1: none
	measured bool  // since the last run
}

type ref struct {
	known     bool // else this is the first that is heard of it
	applied   string
	appliedAt time.Time // zero: never, or not known
	failing   bool      // the last run that came to its end has failed
	behind    time.Time // since when its head is known and not applied; zero: it is
}

func newTask(now time.Time) *task {
	return &task{
		runs: map[poller.Outcome]uint64{poller.Success: 0, poller.Failure: 0, poller.Error: 0}, polls: map[string]uint64{polled: 0, failed: 0, putOff: 0},
		answered: now, refs: map[string]ref{},
	}
}

// ended counts a run.
func (t *task) ended(r poller.Run) {
	t.runs[r.Outcome]++
	t.answered, t.running, t.measured = time.Now(), false, false
}

// take brings the refs to what the task remembers, and where its heads are.
func (t *task) take(s poller.Snapshot, now time.Time) {
	for name := range t.refs {
		_, run := s.State.Refs[name]
		_, head := s.Heads[name]
		if !run && !head {
			delete(t.refs, name)
		}
	}
	for name, r := range s.State.Refs {
		t.refs[name] = t.refs[name].after(name, r, s.Heads[name], now)
	}
	for name, head := range s.Heads {
		if _, known := s.State.Refs[name]; !known {
			t.refs[name] = t.refs[name].after(name, poller.RefState{}, head, now)
		}
	}
	for name := range s.Kept { // whose authors wait for others
		if r, known := t.refs[name]; known {
			r.behind = time.Time{}
			t.refs[name] = r
		}
	}
}

// after is the ref as it is remembered now, with its head, "" where no poll has shown one.
func (r ref) after(name string, s poller.RefState, head string, now time.Time) ref {
	run := s.Run
	ended := run != nil && run.Outcome != poller.Pending && !run.Interrupted()
	switch {
	case ended:
		r.failing = run.Outcome != poller.Success
	case run != nil && !r.known:
		r.failing = run.Attempt > 1 // the try before this one has
	}
	r.known, r.applied, r.appliedAt = true, s.Applied, s.AppliedAt
	if r.appliedAt.IsZero() && ended && run.Outcome == poller.Success {
		r.appliedAt = run.Finished // by an older kitops
	}
	switch {
	case head == "":
	case !s.Behind(name, head, r.failing):
		r.behind = time.Time{}
	case r.behind.IsZero():
		r.behind = now
		if run != nil && run.Revision.SHA == s.Wanted(head) && run.Started.Before(now) {
			r.behind = run.Started
		}
	}
	return r
}

// failing tells whether a branch or tag is; a pull request that fails is nobody's alarm.
func (t *task) failing() bool {
	for name, r := range t.refs {
		if r.failing && !strings.HasPrefix(name, pullRequests) {
			return true
		}
	}
	return false
}

// behind is how long the oldest head waits to be applied.
func (t *task) behind(now time.Time) time.Duration {
	longest := time.Duration(0)
	for _, r := range t.refs {
		if !r.behind.IsZero() {
			longest = max(longest, now.Sub(r.behind))
		}
	}
	return longest
}

// series are the refs that have applied anything, the latest of them, in the order of their names.
func (t *task) series() []series {
	byName := map[string]series{}
	for name, r := range t.refs {
		if r.applied == "" {
			continue
		}
		s := series{shown(name), r.applied, r.appliedAt}
		if other, there := byName[s.ref]; !there || other.at.Before(s.at) {
			byName[s.ref] = s
		}
	}
	all := make([]series, 0, len(byName))
	for _, s := range byName {
		all = append(all, s)
	}
	byRef := func(a, b series) int { return strings.Compare(a.ref, b.ref) }
	slices.SortFunc(all, func(a, b series) int { return cmp.Or(b.at.Compare(a.at), byRef(a, b)) })
	all = all[:min(len(all), maxSeries)]
	slices.SortFunc(all, byRef)
	return all
}

type series struct {
	ref, sha string
	at       time.Time
}

// shown is what a ref is called.
func shown(ref string) string {
	switch {
	case strings.HasPrefix(ref, pullRequests):
		return "(pull requests)"
	case strings.HasPrefix(ref, tags):
		return "(tags)"
	}
	return status.Printable(ref)
}
