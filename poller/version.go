package poller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

const tagPrefix = "refs/tags/"

// highest leaves of the tags the one that the task is to be at: the highest version. It takes
// over the memory of the version before, as a branch that moves keeps its own. A version that
// is gone from the remote stays the highest one: the task goes back to none by itself.
func (v *verdict) highest(t Task, heads []git.Revision, before git.Patterns) []git.Revision {
	if t.Versions == nil {
		return heads
	}
	byKind := func(r git.Revision, kind string) int {
		return strings.Compare(r.Ref[:min(len(r.Ref), len(kind))], kind)
	}
	heads = newHeadSet(heads)
	from, _ := slices.BinarySearchFunc(heads, tagPrefix, byKind)
	to := from
	for to < len(heads) && heads[to].IsTag() {
		to++
	}
	present, ran := v.state.version(t)
	anew := !slices.Equal(before, t.Refs) // equals were not passed: nobody has looked for them
	c := t.Versions.Choose(heads[from:to], present, func(ref string) bool {
		_, passed := v.state.Remembered.sha(ref)
		return passed || anew
	})
	v.others = c.Others
	if ran && c.Tag.Ref != present && c.Tag.Ref != "" {
		if v.state.Refs[present].unfinished() { // which is to end first
			c.Tag.Ref = present
			c.Tag.SHA, _ = headSet(heads).sha(present)
		} else {
			v.succeeds(present, c.Tag.Ref)
		}
	}
	v.pass(c, anew && !t.Found)
	kept := slices.Concat(heads[:from], heads[to:])
	if c.Tag.Ref != "" {
		v.vanished = c.Tag.SHA == ""
		v.version = c.Tag.Ref
		if !v.vanished {
			kept = slices.Insert(kept, from, c.Tag)
		}
	}
	return kept
}

// version is the tag of the version that a task is at, and whether that had a run.
func (s State) version(t Task) (ref string, ran bool) {
	for name, r := range s.Refs {
		if !strings.HasPrefix(name, tagPrefix) {
			continue
		}
		if other := s.Refs[ref]; ref == "" || r.Run != nil && (other.Run == nil || r.Run.Started.After(other.Run.Started)) {
			ref, ran = name, true
		}
	}
	if ran || !t.Found {
		return ref, ran
	}
	c := t.Versions.Choose([]git.Revision(s.Remembered), "", nil) // of one that was found, the first is remembered
	return c.Tag.Ref, false
}

// succeeds hands the memory of a version on to the next one.
func (v *verdict) succeeds(from, to string) {
	refs := maps.Clone(v.state.Refs)
	if _, ran := refs[to]; !ran {
		r := refs[from]
		r.At, r.Parked = "", nil
		refs[to] = r
	}
	delete(refs, from)
	v.state.Refs, v.changed = refs, true
}

// pass remembers which equal versions there were when one of them was chosen, and no other tag.
func (v *verdict) pass(c git.Choice, all bool) {
	keep := func(r git.Revision) bool {
		return !r.IsTag() || r.Ref == c.Tag.Ref && !all || slices.ContainsFunc(c.Equals, func(e git.Revision) bool { return e.Ref == r.Ref })
	}
	if slices.ContainsFunc(v.state.Remembered, func(r git.Revision) bool { return !keep(r) }) {
		v.state.Remembered = v.state.Remembered.without(func(ref string) bool { return !keep(git.Revision{Ref: ref}) })
		v.changed = true
	}
	var fresh []git.Revision
	for _, e := range c.Equals {
		if _, there := v.state.Remembered.sha(e.Ref); !there {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) > 0 {
		v.state.Remembered, v.changed = v.state.Remembered.with(newHeadSet(fresh)), true
	}
	for ref := range v.state.Refs { // of patterns that the task had before
		if strings.HasPrefix(ref, tagPrefix) && ref != c.Tag.Ref && c.Tag.Ref != "" {
			v.state.Refs = maps.Clone(v.state.Refs)
			delete(v.state.Refs, ref)
			v.changed = true
		}
	}
}

// keeps tells whether a ref is remembered although the remote does not show it: the version that
// the task is at, and the others that were passed for it, which are no heads of the task.
func (v *verdict) keeps(ref string) bool {
	if v.version == "" || !strings.HasPrefix(ref, tagPrefix) {
		return false
	}
	_, passed := v.state.Remembered.sha(ref)
	return ref == v.version || passed
}

// place notes where a tag is as its run starts, and in the run where it was before if somebody has
// moved it. A version that was moved does not run until somebody asks for it.
func (r *RefState) place(t Task, run *Run, start string) {
	if !run.Revision.IsTag() {
		return
	}
	if r.Pinned != nil {
		run.TagName = r.Tags[run.Revision.SHA]
		if run.Tag = cmp.Or(r.TagObjects[run.Revision.SHA], run.Tag); run.TagName == "" && run.Tag != "" {
			run.TagName = run.Revision.Name()
		}
		return
	}
	run.TagName = run.Revision.Name()
	at := cmp.Or(r.At, start)
	if at != "" && at != run.Revision.SHA {
		run.Moved = at
	}
	if run.Moved != "" && t.Versions != nil && r.Order == nil {
		run.refused = true
		return
	}
	r.At = run.Revision.SHA
}

// tagged notes which versions the revisions are that a task can go back to, and the objects of their tags.
func (r *RefState) tagged(t Task, run Run) {
	if !run.Revision.IsTag() {
		return
	}
	if t.Versions != nil && run.TagName != "" {
		r.Tags = r.besideFormer(r.Tags, run.Revision.SHA, run.TagName)
	}
	if run.Tag != "" || len(r.TagObjects) > 0 {
		r.TagObjects = r.besideFormer(r.TagObjects, run.Revision.SHA, run.Tag)
	}
}

// besideFormer is what is known of a revision, and was known before of the former one.
func (r *RefState) besideFormer(before map[string]string, sha, known string) map[string]string {
	now := map[string]string{}
	if known != "" {
		now[sha] = known
	}
	if former := before[r.Former]; former != "" && r.Former != sha {
		now[r.Former] = former
	}
	return now
}

// refusal is why a run must not go on that has started.
func (w *watch) refusal(run Run) error {
	if !run.refused {
		return nil
	}
	name := run.Revision.Name()
	return &MistakeError{fmt.Errorf("%s was moved from %s to %s; kitops again %s runs it", name, sha7(run.Moved), sha7(run.Revision.SHA), run.Task)}
}

func sha7(sha string) string { return sha[:min(7, len(sha))] }

// tagVars are the variables of a run on a tag.
func (r Run) tagVars() []string {
	if !r.Revision.IsTag() {
		return nil
	}
	return []string{"KITOPS_TAG=" + r.TagName, "KITOPS_TAG_SHA=" + cmp.Or(r.Tag, r.Revision.SHA)}
}
