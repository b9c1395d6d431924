package poller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// shortestSHA is how many digits of a revision's name tell it from others.
const shortestSHA = 4

// pinned is the revision that a ref is to be at: its head, unless somebody holds it
// at another one. What was rolled back goes forward with another head.
func (v *verdict) pinned(head git.Revision, r RefState) git.Revision {
	p := r.Pinned
	switch {
	case p == nil:
		return head
	case p.Back && p.From == "": // rolled back by somebody who did not know the head
		from := *p
		from.From = head.SHA
		v.state, v.changed = v.state.with(head.Ref, func(r *RefState) { r.Pinned = &from }), true
	case p.Back && p.From != head.SHA:
		v.state, v.changed = v.state.with(head.Ref, func(r *RefState) { r.Pinned = nil }), true
		v.forward = append(v.forward, head)
		return head
	}
	return git.Revision{Ref: head.Ref, SHA: p.SHA}
}

// pinnedText is how a ref is held, in words.
func (h *Hold) pinnedText(now time.Time) string {
	what := "pinned"
	if h.Back {
		what = "rolled back"
	}
	return h.text(what+" to "+h.SHA[:min(7, len(h.SHA))], now)
}

// brief is the hold in a few words.
func (h *Hold) brief() string {
	switch {
	case h == nil:
		return ""
	case h.Back:
		return "rolled back by " + h.By
	}
	return "pinned by " + h.By
}

// pin holds a ref at a revision.
func (s State) pin(o Order, here bool, now time.Time) (State, ordered, error) {
	ref, err := s.refOf(o.Ref)
	if err != nil {
		return s, ordered{}, err
	}
	r := s.Refs[ref]
	p := &Hold{By: o.By, Since: stampOf(now), Reason: o.Reason, Back: o.What == Rollback, Anyway: o.Anyway}
	if p.SHA, err = r.target(ref, o); err != nil {
		return s, ordered{}, err
	}
	if p.Back && r.Pinned == nil {
		p.From = r.at()
	} else if p.Back {
		p.From = r.Pinned.From
	}
	done := ordered{about: git.Revision{Ref: ref, SHA: p.SHA}, why: p.pinnedText(now)}
	done.told = done.why
	if r.Order != nil {
		done.told += ", which replaces: to run again, by " + r.Order.By
	}
	if r.Pinned != nil {
		done.told += ", which replaces: " + r.Pinned.pinnedText(now)
	}
	if r.unfinished() && here && r.Run.Revision.SHA != p.SHA {
		done.why += "; runs when what runs has ended"
	}
	return s.with(ref, func(r *RefState) { r.Pinned, r.Order = p, nil }), done, nil
}

// at is the revision that a ref has come to, whether it succeeded or not.
func (r RefState) at() string {
	if r.Run != nil {
		return r.Run.Revision.SHA
	}
	return r.Applied
}

// target is the revision that an order means.
func (r RefState) target(ref string, o Order) (string, error) {
	if o.SHA != "" {
		return r.resolve(ref, o)
	}
	if r.Pinned != nil && r.Pinned.Back {
		return "", refuse("it is %s already: name an earlier one with --to", r.Pinned.pinnedText(time.Now()))
	}
	before := r.Former
	if r.Applied != r.at() { // what came last has failed
		before = r.Applied
	}
	if before == "" {
		return "", refuse("nothing was applied before: name a revision with --to")
	}
	return before, nil
}

// resolve finds the revision that the first digits of its name stand for, among those that are known.
func (r RefState) resolve(ref string, o Order) (string, error) {
	short := strings.ToLower(o.SHA)
	if strings.Trim(short, "0123456789abcdef") != "" || len(short) < shortestSHA {
		return "", refuse("%q is no revision: write at least %d digits of its SHA", o.SHA, shortestSHA)
	}
	found := map[string]bool{}
	for _, sha := range append([]string{r.Applied, r.Former, r.at(), o.heads[ref]}, o.Known...) {
		if strings.HasPrefix(sha, short) {
			found[sha] = true
		}
	}
	switch all := slices.Sorted(maps.Keys(found)); {
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return "", refuse("%s may be %s", short, strings.Join(all, " or "))
	case len(short) == 40 || len(short) == 64: // the names by SHA-1 and SHA-256
		return short, nil
	}
	return "", &RefusedError{true, fmt.Sprintf("no revision that has run begins with %s: write its whole SHA", short)}
}

// unpin lets a ref follow its head again.
func (s State) unpin(o Order, now time.Time) (State, ordered, error) {
	if o.Ref == "" {
		o.Ref = s.onlyPinned()
	}
	ref, err := s.refOf(o.Ref)
	if err != nil {
		return s, ordered{}, err
	}
	p := s.Refs[ref].Pinned
	if p == nil {
		return s, ordered{}, refuse("%s is not pinned", git.Revision{Ref: ref}.Name())
	}
	done := ordered{about: git.Revision{Ref: ref}, why: "follows its head", told: "unpinned by " + o.By + ", which ends: " + p.pinnedText(now)}
	return s.with(ref, func(r *RefState) { r.Pinned = nil }), done, nil
}

// onlyPinned is the ref that is pinned, "" if there are others.
func (s State) onlyPinned() (only string) {
	for ref, r := range s.Refs {
		if r.Pinned != nil {
			if only != "" {
				return ""
			}
			only = ref
		}
	}
	return only
}

// samePin tells whether two holds are of the same revision, or there is none.
func samePin(a, b *Hold) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.SHA == b.SHA
}

// applied notes what a run has applied, and what that was before.
func (r *RefState) applied(sha string, at time.Time) {
	if r.Applied != sha {
		r.Former = cmp.Or(r.Applied, r.Former)
	}
	r.Applied, r.AppliedAt = sha, at
}
