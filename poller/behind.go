package poller

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// lag is how long a ref has had a head that should be applied and is not.
type lag struct {
	Since time.Time `yaml:"since"`
	SHA   string    `yaml:"sha"`            // the head that a poll found first
	Told  []string  `yaml:"told,omitempty"` // the targets that have heard of it
}

// Behind tells whether a head should be applied and is not, "" where no poll has shown one. A pull
// request that fails is its author's to mend.
func (r RefState) Behind(ref, head string, failing bool) bool {
	if head == "" {
		return false
	}
	head = r.Wanted(head)
	tried := r.Run != nil && r.Run.Revision.SHA == head
	applied := r.Applied == head && (r.Run == nil || tried)
	return !applied && (!tried || !failing || !strings.HasPrefix(ref, "refs/pull/"))
}

// Wanted is the revision that should be applied where the head is this one.
func (r RefState) Wanted(head string) string {
	if r.Pinned != nil {
		return r.Pinned.SHA
	}
	return head
}

// noticesBehind tells whether somebody is to hear of heads that are not applied for long.
func (t Task) noticesBehind() bool {
	return slices.ContainsFunc(t.Notices, func(n Notice) bool { return slices.Contains(n.On, Late) })
}

// noticeBehind adds to a verdict what targets hear of heads that should be applied and are not. It may be
// called again for the same poll. Since when a ref is behind is saved from the second poll on that finds it so:
// what is applied at once costs no write.
func (w *watch) noticeBehind(v verdict, heads []git.Revision, now time.Time) verdict {
	if !w.task.noticesBehind() && len(v.state.Behind) == 0 {
		return v
	}
	late := map[string]time.Time{}
	for _, head := range heads {
		r := v.state.Refs[head.Ref]
		if v.state.startsAt(head) || v.keepsBack(head) || !r.Behind(head.Ref, head.SHA, r.failing()) {
			continue
		}
		since, known := w.late[head.Ref]
		if !known {
			since = now
		}
		late[head.Ref] = since
		if l, saved := v.state.Behind[head.Ref]; saved {
			v.tellBehind(w.task, head, l, now)
		} else if since.Before(now) && w.task.noticesBehind() {
			v.tellBehind(w.task, head, lag{Since: stampOf(since), SHA: head.SHA}, now)
			v.changed = true
		}
	}
	w.late = late
	for _, ref := range slices.Sorted(maps.Keys(v.state.Behind)) {
		there := slices.ContainsFunc(heads, func(head git.Revision) bool { return head.Ref == ref })
		if _, still := late[ref]; still || !there && v.state.goesOn(ref) {
			continue
		}
		v.changed, v.told = true, true
		if there {
			v.state = w.task.noticeCaughtUp(v.state, ref, now)
		} else {
			v.state = w.task.noticeGone(v.state, ref, now)
		}
	}
	return v
}

func (r RefState) failing() bool {
	return r.Run != nil && (r.Run.Outcome == Failure || r.Run.Outcome == Error || r.Run.Attempt > 1)
}

// tellBehind keeps a lag, and adds a report for each target whose patience is over.
func (v *verdict) tellBehind(t Task, head git.Revision, l lag, now time.Time) {
	for _, n := range t.Notices {
		if !slices.Contains(n.On, Late) || slices.Contains(l.Told, n.To) || now.Sub(l.Since) < n.Behind {
			continue
		}
		run := Run{Revision: head}
		if last := v.state.Refs[head.Ref].Run; last != nil && last.Revision.SHA == head.SHA {
			run = *last
		}
		run.Reason = why(t, v.state, head, live{here: true}, now)
		l.Told = append(slices.Clone(l.Told), n.To)
		v.state = v.state.reporting(Report{Run: run, URL: t.URL, To: n.To, Change: Late, Since: l.Since, Broken: l.SHA, At: stampOf(now)})
		v.changed, v.told = true, true
	}
	if saved, there := v.state.Behind[head.Ref]; !there || len(saved.Told) != len(l.Told) {
		v.state = v.state.behind(head.Ref, &l)
	}
}

// noticeCaughtUp forgets a lag, and adds what those hear who have heard of it.
func (t Task) noticeCaughtUp(s State, ref string, now time.Time) State {
	l, r := s.Behind[ref], s.Refs[ref]
	run := Run{Revision: git.Revision{Ref: ref, SHA: cmp.Or(r.Applied, l.SHA)}}
	if r.Run != nil {
		run = *r.Run
	}
	for _, n := range t.Notices {
		if slices.Contains(l.Told, n.To) && slices.Contains(n.On, Recovered) {
			s = s.reporting(Report{Run: run, URL: cmp.Or(s.URL, t.URL), To: n.To, Change: CaughtUp, Since: l.Since, Broken: l.SHA, At: stampOf(now)})
		}
	}
	return s.behind(ref, nil)
}

// behind returns the state with the lag of a ref, nil for none.
func (s State) behind(ref string, l *lag) State {
	s.Behind = maps.Clone(s.Behind)
	if l == nil {
		delete(s.Behind, ref)
		return s
	}
	if s.Behind == nil {
		s.Behind = map[string]lag{}
	}
	s.Behind[ref] = *l
	return s
}
