package poller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Approve lets a head run that waits for it.
const Approve = "approve"

// approval is what somebody has said of one revision.
type approval struct {
	SHA   string    `yaml:"sha"`
	By    string    `yaml:"by"`
	Since time.Time `yaml:"since"`
	Used  string    `yaml:"used,omitempty"` // the run that it was used for, of a stranger's revision

	Person int64  `yaml:"person,omitempty"` // By, as the host numbers people; 0: of this machine
	Via    Person `yaml:"via,omitempty"`    // what says so at the host
}

// approved tells whether a revision of the ref may run: somebody has approved or ordered it, or it has run before.
func (r RefState) approved(sha string) bool {
	return r.Order != nil && r.Order.SHA == sha || r.Pinned != nil && r.Pinned.SHA == sha || r.Run != nil && r.Run.Revision.SHA == sha || r.Approved != nil && r.Approved.SHA == sha
}

// await keeps what has to be approved first.
func (v *verdict) await(t Task) {
	if !t.Rules.Approve {
		return
	}
	v.todo = slices.DeleteFunc(v.todo, func(rev git.Revision) bool {
		waits := !v.state.Refs[rev.Ref].approved(rev.SHA)
		if waits {
			v.unapproved = append(v.unapproved, rev)
		}
		return waits
	})
}

// approvalText says that a revision waits.
func approvalText(rev git.Revision) string {
	return "waits for approval of " + sha7(rev.SHA)
}

// approvalText says that a revision waits, and what those who read it on the pull request can do about that.
func (t Task) approvalText(rev git.Revision) string {
	text := approvalText(rev)
	if t.Said != nil && IsPull(rev.Ref) {
		text += ": somebody who may write comments /kitops run " + sha7(rev.SHA)
	}
	return text
}

// approve notes that a head may run: that of the ref, or the one whose name begins so.
func (s State) approve(o Order, here bool, now time.Time) (State, ordered, error) {
	short := strings.ToLower(o.SHA)
	if short != "" && len(short) < shortestSHA {
		return s, ordered{}, refuse("%q is no revision: write at least %d digits of its SHA", o.SHA, shortestSHA)
	}
	var found []git.Revision
	heads := maps.Clone(o.heads)
	if heads == nil { // nobody has polled
		heads = map[string]string{}
	}
	for ref, q := range s.Queue {
		if _, polled := heads[ref]; !polled && q.Run.Waits == ForApproval {
			heads[ref] = q.Run.Revision.SHA
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(heads)) {
		if sha := heads[ref]; (o.Ref == "" || o.Ref == ref) && strings.HasPrefix(sha, short) && s.awaitsApproval(o, git.Revision{Ref: ref, SHA: sha}) {
			found = append(found, git.Revision{Ref: ref, SHA: sha})
		}
	}
	switch {
	case len(found) == 0 && short != "":
		return s, ordered{}, &RefusedError{true, fmt.Sprintf("no head that waits for approval begins with %s", short)}
	case len(found) == 0:
		return s, ordered{}, refuse("no head waits for approval")
	case len(found) > 1 && (short == "" || found[0].SHA != found[len(found)-1].SHA):
		return s, ordered{}, refuse("several heads wait: name one by its SHA, or with --ref: %s", names(found))
	}
	done := ordered{about: found[0], why: "runs with the next poll", told: found[0].SHA + " approved by " + o.By}
	if !here {
		done.why = "runs when kitops is back"
	}
	for _, rev := range found {
		s = s.with(rev.Ref, func(r *RefState) { r.Approved = approvedBy(o, rev.SHA, now) })
	}
	return s, done, nil
}

// names are revisions for people.
func names(revs []git.Revision) string {
	var all []string
	for i, rev := range revs {
		if i == maxNamed {
			all = append(all, fmt.Sprintf("and %d more", len(revs)-i))
			break
		}
		all = append(all, fmt.Sprintf("%s at %.7s", rev.Name(), rev.SHA))
	}
	return strings.Join(all, ", ")
}
