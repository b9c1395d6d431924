package poller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// crowd keeps back what one stranger has opened beyond what he may have running and waiting, the oldest first. What somebody
// has approved of or wants to run again is not kept back.
func (v *verdict) crowd(t Task) {
	if t.Trust == nil {
		return
	}
	ahead := map[string]int{} // by author
	for ref, r := range v.state.Refs {
		if IsPull(ref) && r.unfinished() {
			ahead[t.trust(r.Run.Revision).Author]++
		}
	}
	due := slices.Concat(v.todo, v.unapproved)
	slices.SortFunc(due, func(a, b git.Revision) int { return byAge(a.Ref, b.Ref) })
	for _, rev := range due {
		trust, r := t.trust(rev), v.state.Refs[rev.Ref]
		if trust.Most == 0 || r.unfinished() {
			continue
		}
		wanted := r.Order != nil || r.Approved != nil && r.Approved.SHA == rev.SHA
		if ahead[trust.Author] >= trust.Most && !wanted {
			v.crowded = append(v.crowded, rev)
			continue
		}
		ahead[trust.Author]++
	}
	if len(v.crowded) > 0 {
		out := newHeadSet(v.crowded)
		for _, list := range []*[]git.Revision{&v.todo, &v.unapproved} {
			*list = slices.DeleteFunc(*list, func(rev git.Revision) bool { _, is := out.sha(rev.Ref); return is })
		}
	}
}

// byAge has refs in order, and pull requests in that of their numbers.
func byAge(a, b string) int {
	if IsPull(a) && IsPull(b) {
		if order := cmp.Compare(len(a), len(b)); order != 0 {
			return order
		}
	}
	return strings.Compare(a, b)
}

// crowdedText says what a revision waits for that crowd has kept back.
func (t Task) crowdedText(rev git.Revision) string {
	trust := t.trust(rev)
	if trust.Most == 1 {
		return fmt.Sprintf("waits: a pull request of %s is ahead", trust.Author)
	}
	return fmt.Sprintf("waits: %d pull requests of %s are ahead", trust.Most, trust.Author)
}
