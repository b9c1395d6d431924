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
	abandoned  []git.Revision // failed before, as often as they may
	mistaken   []git.Revision // failed before, for a mistake in the revision
	outdated   []git.Revision // applied by other actions than the task has now
	unapproved []git.Revision // to run, once somebody has approved them
	required   []git.Revision // to run, once they have what the task requires,
	lacking    []git.Revision // which these do not have
	barred     []git.Revision // to run, were there somebody as whom
	crowded    []git.Revision // to run, once fewer of their author do
	closed     []git.Revision // to run, but only within a window
	calmed     []git.Revision // failed before, as nearly everything of the task does
	slowed     []git.Revision // to run, but the task seems to push them itself
	held       []git.Revision // to run, but the task is paused
	forward    []git.Revision // heads that end a rollback
	remembered []git.Revision
	forgotten  []git.Revision
	told       bool     // the state has something that somebody is to hear
	missing    []string // literal refs that the remote does not have

	newer    map[string]string // by ref that runs beside the watch: what would run now
	gone     map[string]bool   // those of them of which nobody wants a run any more
	heads    []git.Revision    // what was compared: of versions only the highest one
	version  string            // the tag of that
	vanished bool              // the remote does not have it any more
	others   int               // tags that are no versions
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
	heads = v.highest(t, heads, before)
	v.heads = heads
	seen, startOf := seenIn(heads), v.state.Remembered.finder()
	for i, head := range heads {
		start, remembered := startOf(head.Ref)
		r, known := v.state.Refs[head.Ref]
		switch {
		case known:
			v.judge(t, v.pinned(head, r), r, now)
		case remembered && start == head.SHA:
		case !remembered && t.remembers(head.Ref) && !covers(before, head.Ref):
			if v.remembered == nil {
				v.remembered = make([]git.Revision, 0, len(heads)-i)
			}
			v.remembered = append(v.remembered, head)
		default:
			v.todo = append(v.todo, head)
		}
	}
	if r := v.state.Refs[v.version]; v.vanished && r.Pinned != nil { // which needs no tag
		v.judge(t, git.Revision{Ref: v.version, SHA: r.Pinned.SHA}, r, now)
	}
	v.forget(t, seen, now)
	v.remember()
	for _, ref := range t.Refs.Names() {
		if !seen(ref) {
			v.missing = append(v.missing, ref)
		}
	}
	slices.SortStableFunc(v.todo, func(a, b git.Revision) int {
		return cmp.Or(cmp.Compare(rankOf(v.state.Refs[a.Ref], a), rankOf(v.state.Refs[b.Ref], b)), v.served(a).Compare(v.served(b)), byAge(a.Ref, b.Ref))
	})
	v.calm(t, now)
	v.slow(t, now)
	v.distrust(t)
	v.crowd(t)
	v.await(t)
	v.hold(now)
	v.close(t, now)
	v.require(t)
	v.enqueue(t, now)
	return v
}

// seenIn tells whether a ref is among heads.
func seenIn(heads []git.Revision) func(ref string) bool {
	find := newHeadSet(heads).finder()
	return func(ref string) bool {
		_, seen := find(ref)
		return seen
	}
}

// verdictOnNothing is that of a remote which has no refs at all: nothing to
// do, and nothing to forget either, since a remote that was emptied and one
// that is being restored look the same.
func verdictOnNothing(t Task, s State) verdict {
	queue := len(s.Queue)
	if !s.of(t) {
		s = s.withdrawAll("the task is on another repository now")
		s = State{URL: t.URL, First: s.First, Unreported: s.Unreported, Paused: s.Paused, asked: s.asked}
	}
	v := verdict{state: s, changed: !slices.Equal(s.Patterns, t.Refs) && (t.Refs.Wild() || t.Found) || queue != len(s.Queue)}
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
	case r.Order != nil:
		v.todo = append(v.todo, head)
	case r.Run == nil && head.SHA == r.Applied:
	case r.Run == nil || r.Run.Revision.SHA != head.SHA || r.Run.Revision.Ref != head.Ref && r.Pinned == nil:
		// Also when the head went back to what was applied: the run in between left its traces.
		v.todo = append(v.todo, head)
	case r.Run.Outcome == Success && t.skips(r):
		v.todo = append(v.todo, head)
	case r.Run.Outcome == Success:
		if r.Run.Actions != "" && t.Actions != "" && r.Run.Actions != t.Actions {
			v.outdated = append(v.outdated, head)
		}
	case t.mistakenNow(r.Run):
		v.mistaken = append(v.mistaken, head)
	case t.gaveUp(r.Run):
		v.abandoned = append(v.abandoned, head)
	case r.pausing(now):
		v.paused = append(v.paused, head)
	default:
		v.todo = append(v.todo, head)
	}
}

// idle tells whether there is nothing to run and nothing to say.
func (v verdict) idle() bool {
	return len(v.todo)+len(v.paused)+len(v.abandoned)+len(v.mistaken)+len(v.outdated)+len(v.held)+len(v.closed)+len(v.unapproved)+len(v.barred)+len(v.crowded)+len(v.lacking)+len(v.calmed)+len(v.slowed)+len(v.remembered)+len(v.forgotten)+len(v.missing) == 0
}

// forget drops the memory of refs that are gone, once what runs of them has ended and was told.
func (v *verdict) forget(t Task, seen func(string) bool, now time.Time) {
	for _, rev := range v.state.Remembered {
		if !seen(rev.Ref) && !v.keeps(rev.Ref) {
			v.forgotten = append(v.forgotten, rev)
		}
	}
	for ref, r := range v.state.Refs {
		if !seen(ref) && !v.keeps(ref) && !v.state.goesOn(ref) {
			sha := r.Applied
			if r.Run != nil {
				sha = r.Run.Revision.SHA
			}
			v.forgotten = append(v.forgotten, git.Revision{Ref: ref, SHA: sha})
			v.state = t.deploymentGone(t.noticeGone(v.state, ref, now), git.Revision{Ref: ref, SHA: sha})
		}
	}
	if len(v.forgotten) == 0 {
		return
	}
	v.state.Remembered = v.state.Remembered.without(func(ref string) bool { return !seen(ref) && !v.keeps(ref) })
	v.state.Refs = maps.Clone(v.state.Refs)
	for _, rev := range v.forgotten {
		delete(v.state.Refs, rev.Ref)
	}
	v.changed = true
}

func (v *verdict) remember() {
	if len(v.remembered) == 0 {
		return
	}
	v.state.Remembered, v.changed = v.state.Remembered.with(newHeadSet(v.remembered)), true
}

// startsAt tells whether a head is where its ref was first seen.
func (s State) startsAt(head git.Revision) bool {
	start, there := s.Remembered.sha(head.Ref)
	return there && start == head.SHA && head.SHA != ""
}

// The ranks of what is to run: what somebody has ordered comes first.
const (
	wanted = iota
	newHead
	triedBefore
)

// rankOf is that of a revision.
func rankOf(r RefState, rev git.Revision) int {
	switch {
	case r.Order != nil, r.Pinned != nil:
		return wanted
	case r.Run != nil && r.Run.Revision.SHA == rev.SHA && !r.Run.Interrupted():
		return triedBefore
	}
	return newHead
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
	if t.Versions != nil && strings.HasPrefix(ref, tagPrefix) {
		return !t.RunNew && t.Found
	}
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
