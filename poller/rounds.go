package poller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

const (
	roundsAt      = 5                // heads in a row that a task seems to push itself
	makerPatience = 2                // seconds
	roundSlack    = 10 * time.Second // between the clocks of this host and of who made a commit
)

// rounds are the heads in a row that were made by the same people while the task ran. That its actions push them is not
// known, since they may use any token or key, but likely.
type rounds struct {
	Heads int       `yaml:"heads"`
	By    string    `yaml:"by"`
	Last  time.Time `yaml:"last"` // when the run of the last one ended
}

// made is who has made a commit, and when.
type made struct {
	by string // "": it is not known
	at time.Time
}

func madeOf(text git.Text) made {
	m := made{by: named(text.Author), at: text.Committer.When}
	if committer := named(text.Committer); committer != m.by {
		m.by += ", committed by " + committer
	}
	return m
}

func named(p git.Person) string {
	if p.Name+p.Email == "" {
		return ""
	}
	return fmt.Sprintf("%s <%s>", p.Name, p.Email)
}

// learnMaker finds out who has made the commit of a run that has ended. What cannot be told at once, since others fetch, counts
// for nothing.
func (w *watch) learnMaker(ctx context.Context, run Run) {
	if w.task.Text == nil || w.made != (made{}) || len(w.former) == 0 || run.Idle() || run.Outcome == Error {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, w.p.seconds(makerPatience))
	defer cancel()
	if text, err := w.source(run).Text(ctx, run.Revision); err == nil {
		w.made = madeOf(text)
	}
}

// duringRun tells whether a commit was made while a run of some refs went on.
func (m made) duringRun(refs map[string]RefState) bool {
	for _, r := range refs {
		if r.Run != nil && !m.at.Before(r.Run.Started.Add(-roundSlack)) && (r.unfinished() || !m.at.After(r.Run.Finished.Add(roundSlack))) {
			return true
		}
	}
	return false
}

// rounding returns the state that knows what a run says of the rounds. One at the revision of the run before it says nothing.
func (w *watch) rounding(s State, run Run) State {
	before := w.former[run.Revision.Ref].Run
	switch {
	case w.made.by == "", run.Idle(), before != nil && before.Revision.SHA == run.Revision.SHA:
	case !w.made.duringRun(w.former):
		s.Rounds = nil
	default:
		now := rounds{Heads: 1, By: w.made.by, Last: run.Finished}
		if s.Rounds != nil && s.Rounds.By == now.By {
			now.Heads += s.Rounds.Heads
		}
		s.Rounds = &now
	}
	return s
}

// many tells whether new heads have to slow down.
func (r *rounds) many() bool { return r != nil && r.Heads >= roundsAt }

// roundPause is how long a new head waits after the run before it.
func (t Task) roundPause(r *rounds) time.Duration {
	return doubled(t.Interval, r.Heads-roundsAt, t.stormPause())
}

// roundsText says that it does.
func (t Task) roundsText(r *rounds) string {
	return fmt.Sprintf("%d heads in a row or more were made by %s while the task ran, as if its actions pushed them: each new one waits longer, up to %s, until a head is another's, or is made while nothing runs; kitops again %s does not wait",
		roundsAt, r.By, t.stormPause(), t.Name)
}

// slow keeps new heads back for a while where a task seems to push them itself. What people order goes before.
func (v *verdict) slow(t Task, now time.Time) {
	r := v.state.Rounds
	if !r.many() || !ahead(r.Last.Add(t.roundPause(r)), now, t.roundPause(r)) {
		return
	}
	v.todo = slices.DeleteFunc(v.todo, func(rev git.Revision) bool {
		if rankOf(v.state.Refs[rev.Ref], rev) != newHead {
			return false
		}
		v.slowed = append(v.slowed, rev)
		return true
	})
}

// inquire asks what a verdict hangs on beside the heads. It tells whether the task has ceased to go round.
func (w *watch) inquire(ctx context.Context, s State, heads []git.Revision, now time.Time) (over bool) {
	if w.task.Required == nil && !s.Rounds.many() {
		return false
	}
	s.asked = w.knownRequired()
	v := decide(w.task, s, heads, now)
	if w.task.Required != nil {
		w.askRequired(ctx, v.required)
	}
	return w.endsRounds(ctx, v)
}

// endsRounds tells whether one of the heads that are kept back was made by others, or while nothing ran. Each is asked about
// once.
func (w *watch) endsRounds(ctx context.Context, v verdict) (over bool) {
	before := w.makers
	w.makers = map[string]made{}
	for _, rev := range v.slowed {
		m, known := before[rev.SHA]
		if !known {
			limited, cancel := context.WithTimeout(ctx, min(maxLook, w.task.Timeout))
			text, err := w.source(Run{Revision: rev, Foreign: w.task.trust(rev).Foreign}).Text(limited, rev)
			cancel()
			if err != nil {
				continue // the next poll asks again
			}
			m = madeOf(text)
		}
		w.makers[rev.SHA] = m
		over = over || m.by != v.state.Rounds.By || !m.duringRun(v.state.Refs)
	}
	return over
}
