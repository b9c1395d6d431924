package apptest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// activity is a change of a branch, and who has made it.
type activity struct {
	id                 int64
	ref, before, after string
	kind               string
	by                 *Account
	at                 time.Time
}

// moved notes that a ref has moved. Tags are none of GitHub's activities.
func (r *Repository) moved(ref, before, after string, by *Account) {
	if before == after || !strings.HasPrefix(ref, "refs/heads/") {
		return
	}
	none := strings.Repeat("0", 40)
	a := activity{r.g.nextID(), ref, before, after, "push", by, r.g.Now()}
	switch {
	case before == "":
		a.before, a.kind = none, "branch_creation"
	case after == "":
		a.after, a.kind = none, "branch_deletion"
	}
	r.activities = append(r.activities, a)
}

// movedSince notes what somebody has moved since the refs were these.
func (r *Repository) movedSince(before map[string]string, by *Account) error {
	s, err := r.snapshot()
	if err != nil {
		return err
	}
	all := maps.Clone(before)
	maps.Copy(all, s.refs)
	for _, ref := range slices.Sorted(maps.Keys(all)) {
		r.moved(ref, before[ref], s.refs[ref], by)
	}
	return nil
}

// PushedBy has somebody else be who has pushed a commit.
func (r *Repository) PushedBy(sha string, by *Account) {
	r.g.change(func() error {
		for i := range r.activities {
			if r.activities[i].after == sha {
				r.activities[i].by = by
			}
		}
		return nil
	})
}

// CommittedBy has GitHub know an account as author and committer of a commit.
func (r *Repository) CommittedBy(sha string, by *Account) {
	r.g.change(func() error {
		if r.committers == nil {
			r.committers = map[string]*Account{}
		}
		r.committers[sha] = by
		return nil
	})
}

// committer is the account that has made a commit, as far as GitHub knows.
func (r *Repository) committer(sha string) any {
	if by := r.committers[sha]; by != nil {
		return r.g.describeAccount(by)
	}
	return nil
}

// listActivities has the newest first.
func (g *GitHub) listActivities(c *call, r *Repository) *answer {
	ref := c.URL.Query().Get("ref")
	var all []activity
	for _, a := range slices.Backward(r.activities) {
		if ref == "" || a.ref == ref || a.ref == "refs/heads/"+ref {
			all = append(all, a)
		}
	}
	return paged(g, c, all, func(page []activity) any {
		return each(page, func(a activity) fields {
			return fields{
				"id": a.id, "node_id": nodeID("PSH", a.id), "before": a.before, "after": a.after, "ref": a.ref, "timestamp": stamp(a.at),
				"activity_type": a.kind, "actor": g.describeAccount(a.by),
			}
		})
	})
}
