package poller

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Notice says of which changes of a task's refs a target is notified.
type Notice struct {
	To    string   // names the target; kept in the state
	On    []Change // that it hears of
	After int      // how many tries in a row must have failed before it hears of a failure; 0 is 1

	Behind time.Duration // how long a head must have waited to be applied before it hears of that
}

// NoticeTo is the name of a target, made of what it consists of.
func NoticeTo(digest string) string { return notified + digest }

// Change is what has become of a ref, for those who are notified.
type Change string

// The changes. Failing means failures and errors.
const (
	Begun       Change = "start"
	Succeeded   Change = "success"
	Failed      Change = "failure"
	Erred       Change = "error"
	Recovered   Change = "recovery"
	GaveUp      Change = "gave_up"   // the last try has failed; instead of a failure
	Late        Change = "behind"    // a head should be applied and is not
	CaughtUp    Change = "caught_up" // what was told as behind is so no more; part of recovery
	Unwatchable Change = "gone"      // what was told as failing or behind is no longer watched; part of recovery
)

// failing is what goes wrong with a ref since it last succeeded.
type failing struct {
	Since time.Time          `yaml:"since"`
	SHA   string             `yaml:"sha"`             // of the first that failed
	Tries int                `yaml:"tries,omitempty"` // in a row
	Told  map[string]Outcome `yaml:"told,omitempty"`  // by target
}

// noticeStart adds what targets hear of a run that starts, once it is known that there is something to run.
func (t Task) noticeStart(s State, run Run) State {
	for _, n := range t.Notices {
		if run.Attempt == 1 && (!t.Brings || run.Action != "") && slices.Contains(n.On, Begun) {
			s = s.reporting(Report{Run: run, URL: t.URL, To: n.To, Change: Begun})
		}
	}
	return s
}

// noticeEnd adds what targets hear of a run that has ended: of failures in a row once for each
// outcome, and that they are over whoever has heard of them. The end of kitops says nothing of a revision, nor does a run that
// had nothing to do.
func (t Task) noticeEnd(s State, run Run) State {
	r := s.Refs[run.Revision.Ref]
	switch {
	case run.Idle():
		return s
	case run.Outcome == Success:
		return t.noticeSuccess(s, run, r.Failing)
	case len(t.Notices) == 0 || run.Interrupted() || run.Overtaken() || run.same:
		return s
	}
	f := failing{Since: run.Finished, SHA: run.Revision.SHA}
	if r.Failing != nil {
		f = *r.Failing
	}
	f.Tries++
	f.Told = maps.Clone(f.Told)
	change := Failed
	if run.Outcome == Error {
		change = Erred
	}
	for _, n := range t.Notices {
		change := change
		switch {
		case run.GaveUp && slices.Contains(n.On, GaveUp):
			change = GaveUp
		case f.Tries < n.After || f.Told[n.To] == run.Outcome || !slices.Contains(n.On, change):
			continue
		}
		if f.Told == nil {
			f.Told = map[string]Outcome{}
		}
		f.Told[n.To] = run.Outcome
		s = s.reporting(Report{Run: run, URL: t.URL, To: n.To, Change: change, Since: f.Since, Broken: f.SHA})
	}
	return s.with(run.Revision.Ref, func(r *RefState) { r.Failing = &f })
}

func (t Task) noticeSuccess(s State, run Run, f *failing) State {
	ref := run.Revision.Ref
	for _, n := range t.Notices {
		switch {
		case f != nil && f.Told[n.To] != "" && slices.Contains(n.On, Recovered):
			s = s.reporting(Report{Run: run, URL: t.URL, To: n.To, Change: Recovered, Since: f.Since, Broken: f.SHA})
			if l, late := s.Behind[ref]; late { // it need not hear twice that all is well
				l.Told = slices.DeleteFunc(slices.Clone(l.Told), func(to string) bool { return to == n.To })
				s = s.behind(ref, &l)
			}
		case slices.Contains(n.On, Succeeded):
			s = s.reporting(Report{Run: run, URL: t.URL, To: n.To, Change: Succeeded})
		}
	}
	if f == nil {
		return s
	}
	return s.with(ref, func(r *RefState) { r.Failing = nil })
}

// noticeGone adds what targets hear of a ref that is no longer watched and was told as failing or behind.
func (t Task) noticeGone(s State, ref string, now time.Time) State {
	r, l := s.Refs[ref], s.Behind[ref]
	f := failing{Since: l.Since, SHA: l.SHA}
	if r.Failing != nil {
		f = *r.Failing
	}
	run := Run{Revision: git.Revision{Ref: ref, SHA: f.SHA}}
	if r.Run != nil {
		run = *r.Run
	}
	for _, n := range t.Notices {
		if (f.Told[n.To] != "" || slices.Contains(l.Told, n.To)) && slices.Contains(n.On, Recovered) {
			s = s.reporting(Report{Run: run, URL: cmp.Or(s.URL, t.URL), To: n.To, Change: Unwatchable, Since: f.Since, Broken: f.SHA, At: stampOf(now)})
		}
	}
	return s.behind(ref, nil)
}

// noticeUnwatched adds what targets hear of a task that is gone, once: whoever was told that a ref of it is failing or behind.
func (s State) noticeUnwatched(notices []Notice, now time.Time) State {
	gone := Task{URL: s.URL, Notices: notices}
	for _, ref := range s.alarming() {
		s = gone.noticeGone(s, ref, now)
		if s.Refs[ref].Failing != nil {
			s = s.with(ref, func(r *RefState) { r.Failing = nil })
		}
	}
	return s
}

// alarming are the refs of which somebody was told that they are failing or behind.
func (s State) alarming() []string {
	var all []string
	for ref, r := range s.Refs {
		if r.Failing != nil && len(r.Failing.Told) > 0 {
			all = append(all, ref)
		}
	}
	for ref, l := range s.Behind {
		if len(l.Told) > 0 && !slices.Contains(all, ref) {
			all = append(all, ref)
		}
	}
	slices.Sort(all)
	return all
}

// noticesOf are those of a task that is gone. Where kitops has only its memory, they are those of the tasks that there are.
func (p *Poller) noticesOf(t Task) []Notice {
	if len(t.Notices) > 0 {
		return t.Notices
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Notice
	for _, other := range p.tasks {
		for _, n := range other.Notices {
			if slices.Contains(n.On, Recovered) && !slices.ContainsFunc(all, func(known Notice) bool { return known.To == n.To }) {
				all = append(all, n)
			}
		}
	}
	return all
}
