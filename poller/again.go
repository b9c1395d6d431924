package poller

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// waiting is an order that has yet to be carried out.
type waiting struct {
	What   string    `yaml:"what"`
	By     string    `yaml:"by"`
	Since  time.Time `yaml:"since"`
	Anyway bool      `yaml:"anyway,omitempty"`
	SHA    string    `yaml:"sha,omitempty"` // where the ref was: another revision has to be approved
}

func (s State) again(o Order, here bool, now time.Time) (State, ordered, error) {
	ref, err := s.refOf(o.Ref)
	if err != nil {
		return s, ordered{}, err
	}
	r := s.Refs[ref]
	name := git.Revision{Ref: ref}.Name()
	switch {
	case s.Paused.stands(now) && !o.Anyway:
		return s, ordered{}, refuse("it is %s: --anyway runs once all the same", s.Paused.text("paused", now))
	case r.unfinished() && !here:
		return s, ordered{}, refuse("%s was running when kitops ended, and runs again when it is back", name)
	case r.unfinished() && !o.After:
		return s, ordered{}, refuse("%s runs already: --after runs it again when that has ended", name)
	}
	done := ordered{about: git.Revision{Ref: ref}, why: "runs again with the next poll"}
	switch {
	case !here:
		done.why = "runs again when kitops is back"
	case r.unfinished():
		done.why = "runs again when what runs has ended"
	}
	done.told = "to run again, by " + o.By
	if r.Order != nil {
		done.told += ", which replaces: to run again, by " + r.Order.By
	}
	rev := git.Revision{Ref: ref, SHA: cmp.Or(o.heads[ref], s.headOf(ref))}
	order := &waiting{What: o.What, By: o.By, Since: stampOf(now), Anyway: o.Anyway, SHA: rev.SHA}
	strange, ran := o.strange != nil && o.strange(rev), r.Run != nil && r.Run.Revision.SHA == rev.SHA
	if o.SHA != "" && !strings.HasPrefix(rev.SHA, strings.ToLower(o.SHA)) {
		return s, ordered{}, refuse("%s is at %.7s", name, rev.SHA)
	}
	s = s.with(ref, func(r *RefState) {
		if r.Order = order; strange && ran { // whoever wants it again has seen it run
			r.Approved = approvedBy(o, rev.SHA, now)
		}
	})
	if r.Pinned != nil {
		rev.SHA = r.Pinned.SHA
	}
	if o.show != nil && rev.SHA != "" && !r.unfinished() {
		s = o.show(s, rev)
	}
	return s, done, nil
}

// headOf is where a ref was, as far as the state knows.
func (s State) headOf(ref string) string {
	start, _ := s.Remembered.sha(ref)
	return cmp.Or(s.Queue[ref].Run.Revision.SHA, s.Refs[ref].at(), start)
}

// ordered adds what the world hears of a revision that somebody wants to run again.
func (t Task) ordered(s State, rev git.Revision) State {
	by := ""
	if o := s.Refs[rev.Ref].Order; o != nil {
		by = ", by " + o.By
	}
	return t.enqueue(s, rev, ForTurn, "to run again"+by)
}

// afresh has every ref that had a run, run again, unless the task is paused.
func (w *watch) afresh(ctx context.Context) error {
	return w.mem.Save(ctx, func(s State) State {
		if s.Paused.stands(time.Now()) {
			return s
		}
		for ref := range s.Refs {
			s = s.with(ref, func(r *RefState) { r.Order = &waiting{What: Again, By: "--again", Since: stamp(), SHA: r.at()} })
		}
		return s
	})
}
