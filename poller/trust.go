package poller

import (
	"slices"

	"github.com/bittrance/kitops/poller/git"
)

// Trust says how a revision may run.
type Trust struct {
	Foreign bool   // a stranger has written it: it runs as the untrusted user, with nothing that is not public
	Approve bool   // somebody has to approve of each revision first
	Barred  string // why none runs; "": they may

	Author string // of a stranger's: who he is
	Most   int    // and how many of his pull requests run and wait at a time; 0: all of them
}

// trust is the one place that is asked how far a revision is trusted. It is its ref that counts.
func (t Task) trust(rev git.Revision) Trust {
	if t.Trust == nil {
		return Trust{}
	}
	return t.Trust(rev)
}

// sanctioned tells whether somebody has said of exactly this revision of a stranger that it may run. An approval is for one
// run, whose tries belong to it; an order to run it again is another one, of who has seen it run.
func (r RefState) sanctioned(sha string) bool {
	a, ran := r.Approved, r.Run != nil && r.Run.Revision.SHA == sha
	switch {
	case a == nil || a.SHA != sha:
		return false
	case a.Used == "":
		return true
	}
	return ran && r.Order == nil && r.Run.Outcome != Success && r.Run.Mistake == ""
}

// usedBy is the approval once a run has used it.
func (a *approval) usedBy(run string) *approval {
	if a == nil {
		return nil
	}
	used := *a
	used.Used = run
	return &used
}

// admits tells whether a revision may start, as a stranger's or not, as far as its author is concerned.
func (t Task) admits(r RefState, rev git.Revision, foreign bool) bool {
	trust := t.trust(rev)
	return trust.Foreign == foreign && trust.Barred == "" && (!trust.Approve || r.sanctioned(rev.SHA))
}

// distrust keeps what strangers have written, until it may run.
func (v *verdict) distrust(t Task) {
	if t.Trust == nil {
		return
	}
	v.todo = slices.DeleteFunc(v.todo, func(rev git.Revision) bool {
		switch trust := t.trust(rev); {
		case trust.Barred != "":
			v.barred = append(v.barred, rev)
		case trust.Approve && !v.state.Refs[rev.Ref].sanctioned(rev.SHA):
			v.unapproved = append(v.unapproved, rev)
		default:
			return false
		}
		return true
	})
}

// awaitsApproval tells whether a head waits for an approval.
func (s State) awaitsApproval(o Order, rev git.Revision) bool {
	r := s.Refs[rev.Ref]
	if o.strange == nil || !o.strange(rev) {
		return !r.approved(rev.SHA)
	}
	applied := r.Order == nil && r.Run != nil && r.Run.Revision.SHA == rev.SHA && r.Run.Outcome == Success
	return !r.sanctioned(rev.SHA) && !applied
}

// keepsBack tells whether a pull request waits for somebody to approve of it, or for others of its author: whose head it is, is not late.
func (v *verdict) keepsBack(head git.Revision) bool {
	return IsPull(head.Ref) && (slices.Contains(v.unapproved, head) || slices.Contains(v.barred, head) || slices.Contains(v.crowded, head))
}

// keepBack lets others see which pull requests wait.
func (w *watch) keepBack(v verdict) {
	var kept map[string]bool
	for _, list := range [][]git.Revision{v.unapproved, v.barred, v.crowded} {
		for _, rev := range list {
			if IsPull(rev.Ref) {
				if kept == nil {
					kept = map[string]bool{}
				}
				kept[rev.Ref] = true
			}
		}
	}
	var crowded map[string]string
	for _, rev := range v.crowded {
		if crowded == nil {
			crowded = map[string]string{}
		}
		crowded[rev.Ref] = rev.SHA
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.kept, w.crowded = kept, crowded
}

const mostVouched = 300

// vouch notes that a commit has heard of a run of somebody who is trusted: no stranger's run says something else of it.
func (t Task) vouch(s State, run Run) State {
	if t.Foreign == nil || run.Foreign || slices.Contains(s.Vouched, run.Revision.SHA) {
		return s
	}
	s.Vouched = last(append(slices.Clone(s.Vouched), run.Revision.SHA), mostVouched)
	return s
}

// hushed tells whether a stranger's run says nothing to its commit.
func (s State) hushed(run Run) bool {
	if !run.Foreign {
		return false
	}
	for ref, r := range s.Refs {
		other := ref != run.Revision.Ref && r.Run != nil && !r.Run.Foreign
		if other && (r.Run.Revision.SHA == run.Revision.SHA || r.Applied == run.Revision.SHA) {
			return true
		}
	}
	return slices.Contains(s.Vouched, run.Revision.SHA)
}
