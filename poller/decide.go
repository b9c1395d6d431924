package poller

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// verdict is what a look means for a task.
type verdict struct {
	state      State
	changed    bool // state must be saved before anything else
	todo       []git.Revision
	paused     []git.Revision // failed before, and resting until the Retry of their ref
	mistaken   []git.Revision // failed before, for a mistake in the revision
	outdated   []git.Revision // applied by other actions than the task has now
	remembered []git.Revision
	forgotten  []git.Revision
	missing    []string // literal refs that the remote does not have
}

// decide compares the heads with the memory. It is a pure function: all rules
// on what runs, and in which order, are here.
func decide(t Task, s State, heads []git.Revision, now time.Time) verdict {
	before := s.Patterns
	if !s.of(t) {
		before = nil
	}
	v := verdictOnNothing(t, s)
	v.takeOver(t, heads)
	fresh := headSet{}
	seen := make(map[string]bool, len(heads))
	for _, head := range heads {
		seen[head.Ref] = true
		start, remembered := v.state.Remembered[head.Ref]
		r, known := v.state.Refs[head.Ref]
		switch {
		case known:
			v.judge(t, head, r, now)
		case remembered && start == head.SHA:
		case !remembered && t.remembers(head.Ref) && !covers(before, head.Ref):
			fresh[head.Ref] = head.SHA
			v.remembered = append(v.remembered, head)
		default:
			v.todo = append(v.todo, head)
		}
	}
	v.forget(seen)
	v.remember(fresh)
	for _, ref := range t.Refs.Names() {
		if !seen[ref] {
			v.missing = append(v.missing, ref)
		}
	}
	slices.SortStableFunc(v.todo, func(a, b git.Revision) int {
		return cmp.Or(v.served(a).Compare(v.served(b)), strings.Compare(a.Ref, b.Ref))
	})
	return v
}

// verdictOnNothing is that of a remote which has no refs at all: nothing to
// do, and nothing to forget either, since a remote that was emptied and one
// that is being restored look the same.
func verdictOnNothing(t Task, s State) verdict {
	if !s.of(t) {
		s = State{URL: t.URL, First: s.First, Unreported: s.Unreported}
	}
	v := verdict{state: s, changed: !slices.Equal(s.Patterns, t.Refs) && (t.Refs.Wild() || t.Found)}
	v.state.Patterns = t.Refs
	if !s.Gone.IsZero() { // the repository is back
		v.state.Gone, v.changed = time.Time{}, true
	}
	if t.ID != "" && s.Identity != t.ID {
		v.state.Identity, v.changed = t.ID, true
	}
	return v
}

// takeOver makes the memory of the first kitops that of the one branch that the
// task has; it had one branch, too. Of several nobody can tell which it was.
func (v *verdict) takeOver(t Task, heads []git.Revision) {
	if v.state.First == "" || len(heads) == 0 {
		return
	}
	if len(heads) == 1 && !t.Refs.Wild() {
		v.state = v.state.with(heads[0].Ref, func(r *RefState) { r.Applied = v.state.First })
	}
	v.state.First, v.changed = "", true
}

// of tells whether this is the memory of the task's repository.
func (s State) of(t Task) bool {
	return s.URL == t.URL && (t.ID == "" || s.Identity == "" || s.Identity == t.ID)
}

// judge decides on a ref that had a run.
func (v *verdict) judge(t Task, head git.Revision, r RefState, now time.Time) {
	switch {
	case r.Run == nil && head.SHA == r.Applied:
	case r.Run == nil || r.Run.Revision.SHA != head.SHA:
		// Also when the head went back to what was applied: the run in between left its traces.
		v.todo = append(v.todo, head)
	case r.Run.Outcome == Success:
		if r.Run.Actions != "" && t.Actions != "" && r.Run.Actions != t.Actions {
			v.outdated = append(v.outdated, head)
		}
	case r.Run.Mistake != "" && r.Run.Mistake == t.Digest:
		v.mistaken = append(v.mistaken, head)
	case r.pausing(now):
		v.paused = append(v.paused, head)
	default:
		v.todo = append(v.todo, head)
	}
}

// idle tells whether there is nothing to run and nothing to say.
func (v verdict) idle() bool {
	return len(v.todo)+len(v.paused)+len(v.mistaken)+len(v.outdated)+len(v.remembered)+len(v.forgotten)+len(v.missing) == 0
}

// forget drops the memory of refs that are gone.
func (v *verdict) forget(seen map[string]bool) {
	for ref, sha := range v.state.Remembered {
		if !seen[ref] {
			v.forgotten = append(v.forgotten, git.Revision{Ref: ref, SHA: sha})
		}
	}
	for ref, r := range v.state.Refs {
		if !seen[ref] {
			sha := r.Applied
			if r.Run != nil {
				sha = r.Run.Revision.SHA
			}
			v.forgotten = append(v.forgotten, git.Revision{Ref: ref, SHA: sha})
		}
	}
	if len(v.forgotten) == 0 {
		return
	}
	v.state.Remembered, v.state.Refs = maps.Clone(v.state.Remembered), maps.Clone(v.state.Refs)
	for _, rev := range v.forgotten {
		delete(v.state.Remembered, rev.Ref)
		delete(v.state.Refs, rev.Ref)
	}
	v.changed = true
}

func (v *verdict) remember(fresh headSet) {
	if len(fresh) == 0 {
		return
	}
	maps.Copy(fresh, v.state.Remembered)
	v.state.Remembered, v.changed = fresh, true
}

// served is when a ref last had its turn.
func (v *verdict) served(rev git.Revision) time.Time {
	if run := v.state.Refs[rev.Ref].Run; run != nil {
		return run.Started
	}
	return time.Time{}
}

// remembers tells whether a ref is remembered, rather than run, at its first look.
func (t Task) remembers(ref string) bool {
	return !t.RunNew && (t.Found || !t.Refs.Literal(ref))
}

// covers tells whether patterns would have shown a ref, had it been there. Of
// the default branch they tell nothing but that there was to be one.
func covers(p git.Patterns, ref string) bool {
	return matches(p, ref) || slices.Contains(p, "HEAD")
}

func matches(p git.Patterns, ref string) bool {
	matched, _ := p.Match(ref)
	return matched
}
