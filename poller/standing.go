package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// maxStandings bounds how many refs without a run a Standing lists.
const maxStandings = 100

// Standing is how a task stands: what it has applied, and why nothing runs now.
type Standing struct {
	Task     string        `json:"task"`
	URL      string        `json:"url"`    // without credentials
	Why      string        `json:"why"`    // of the task as a whole, "" where its refs say it
	Paused   *Hold         `json:"paused"` // nil: it is not
	NextPoll time.Time     `json:"next_poll,omitzero"`
	Refs     []RefStanding `json:"refs"`              // those that had a run first, then by name
	More     int           `json:"more,omitempty"`    // how many remembered refs are left out
	Damaged  string        `json:"damaged,omitempty"` // why the state of the task does not read
}

// RefStanding is how one ref of a task stands.
type RefStanding struct {
	Ref      string    `json:"ref"` // in full
	Applied  string    `json:"applied"`
	Head     string    `json:"head"`             // as the latest poll found it
	Outcome  string    `json:"outcome"`          // of the last run: running, success, failure, error; "" for none
	Run      string    `json:"run"`              // the last one
	Member   string    `json:"member,omitempty"` // the other instance on which that goes on
	SHA      string    `json:"sha"`              // that it runs, or ran
	Signer   string    `json:"signer,omitempty"` // of that, where somebody asked
	Why      string    `json:"why"`              // nothing runs now
	Pinned   *Hold     `json:"pinned"`           // nil: it follows its head
	NextPoll time.Time `json:"next_poll,omitzero"`
}

// Standings tells how every task stands, in the order of Set.
func (p *Poller) Standings(ctx context.Context) ([]Standing, error) {
	return p.standings(ctx, func(Task) bool { return true })
}

// StandingOf tells how one task stands, and whether there is one of that name.
func (p *Poller) StandingOf(ctx context.Context, name string) (s Standing, known bool, err error) {
	all, err := p.standings(ctx, func(t Task) bool { return t.Name == name })
	if err != nil || len(all) == 0 {
		return Standing{}, false, err
	}
	return all[0], true, nil
}

// standings are those of the tasks that are asked for.
func (p *Poller) standings(ctx context.Context, asked func(Task) bool) ([]Standing, error) {
	type one struct {
		task Task
		now  live
	}
	var all []one
	p.mu.Lock()
	for _, task := range p.tasks {
		if !asked(task) {
			continue
		}
		next := one{task: task}
		if w := p.watches[task.Name]; w != nil {
			next.now = live{here: true, heads: w.found, others: w.others, asked: w.asked, waits: w.waitsByRef(), vitals: w.vitals, crowded: w.crowded, foreign: p.foreigners.waits[w]}
		}
		all = append(all, next)
	}
	p.mu.Unlock()
	for _, task := range p.tasksOfOthers() {
		if asked(task) {
			all = append(all, one{task, live{here: true, vitals: vitals{looked: true}}})
		}
	}
	standings := make([]Standing, len(all))
	for i, one := range all {
		state, err := p.remembered(ctx, one.task.Name)
		if isDamaged(err) {
			standings[i] = damagedStanding(one.task.Name, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		one.now.elsewhere, one.now.polls = p.whereabouts(one.task, state)
		standings[i] = standing(one.task, state, one.now, time.Now())
	}
	return standings, nil
}

// live is what is known of a task beside its memory.
type live struct {
	here   bool              // an agent watches it
	heads  map[string]string // of refs that had a run, or will
	waits  map[string]string // what runs wait for, by ref; "" is all of them
	vitals vitals
	others int // tags that are no versions

	asked   map[string]asked  // how what is required of heads stands
	foreign bool              // a stranger's run waits for the end of another
	crowded map[string]string // by ref: what waits for others of its author

	elsewhere string // the other instance that has the lease
	polls     string // the other instance that is to poll it
}

func standing(t Task, s State, l live, now time.Time) Standing {
	all := Standing{Task: t.Name, URL: t.URL, Refs: []RefStanding{}, NextPoll: l.vitals.due}
	if !l.here {
		all.NextPoll = s.NextPoll
	}
	if !s.of(t) {
		s = State{Paused: s.Paused}
	}
	s.asked = l.asked
	if s.Paused.stands(now) {
		all.Paused = s.Paused
	}
	refs := map[string]bool{}
	for ref := range s.Refs {
		refs[ref] = true
	}
	for ref := range l.heads {
		refs[ref] = true
	}
	for ref := range s.Queue {
		refs[ref] = true
	}
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		all.Refs = append(all.Refs, refStanding(t, s, l, ref, now))
	}
	for i, rev := range s.Remembered {
		if i == maxStandings {
			all.More = len(s.Remembered) - i
			break
		}
		if !refs[rev.Ref] {
			all.Refs = append(all.Refs, RefStanding{Ref: rev.Ref, Head: rev.SHA, Why: "remembered at the first poll, not run"})
		}
	}
	for i := range all.Refs {
		all.Refs[i].NextPoll = all.NextPoll
	}
	all.Why = whyNothing(t, l, all, now)
	return all
}

// whyNothing is what keeps all of a task from running.
func whyNothing(t Task, l live, all Standing, now time.Time) string {
	switch v := l.vitals; {
	case all.Paused != nil:
		return all.Paused.text("paused", now)
	case !l.here && len(all.Refs) == 0:
		return "nothing has run yet"
	case !l.here:
		return ""
	case v.err != nil && v.failures == 0:
		return fmt.Sprintf("put off: %s; next try %s", plainly(v.err), near(v.due, now))
	case v.err != nil:
		return fmt.Sprintf("error: %s; next try %s", plainly(v.err), near(v.due, now))
	case !v.looked:
		return "the first poll is under way"
	case len(all.Refs) == 0 && l.waits[""] != "":
		return l.waits[""]
	case len(all.Refs) == 0 && l.polls != "":
		return l.polls + " polls it"
	case len(all.Refs) == 0 && t.Refs.Wild():
		return t.noMatch(l.others)
	case len(all.Refs) == 0:
		return "the repository has no branches yet"
	}
	return ""
}

// plainly is the first thing that an error says.
func plainly(err error) string {
	var later *LaterError
	if errors.As(err, &later) {
		err = later.Err
	}
	return err.Error()
}

func refStanding(t Task, s State, l live, ref string, now time.Time) RefStanding {
	r := s.Refs[ref]
	all := RefStanding{Ref: ref, Applied: r.Applied, Head: l.heads[ref], Pinned: r.Pinned}
	if r.Pinned != nil {
		all.Head = cmp.Or(all.Head, r.Pinned.From)
	} else {
		all.Head = cmp.Or(all.Head, s.Queue[ref].Run.Revision.SHA)
	}
	if r.Run != nil {
		all.Run, all.SHA, all.Outcome, all.Signer = r.Run.ID, r.Run.Revision.SHA, r.Run.Outcome.Word(), r.Run.Signer
		if r.unfinished() {
			all.Member = l.elsewhere
		}
		all.Head = cmp.Or(all.Head, r.Run.Revision.SHA)
	}
	all.Head = cmp.Or(all.Head, r.Applied)
	all.Why = why(t, s, git.Revision{Ref: ref, SHA: all.Head}, l, now)
	if _, there := l.heads[ref]; t.Versions != nil && strings.HasPrefix(ref, tagPrefix) && l.vitals.looked && !there {
		all.Why += "; " + vanished
	}
	return all
}

// why tells why nothing runs at a ref now, by the rules of decide.
func why(t Task, s State, head git.Revision, l live, now time.Time) string {
	r := s.Refs[head.Ref]
	switch {
	case r.unfinished() && l.elsewhere != "" && r.Run.Cancelled == "":
		return "runs on " + l.elsewhere + " since " + near(r.Run.Started, now)
	case r.unfinished():
		return r.whenRunning(t.Name, l.here, now)
	}
	v := decide(t, s, []git.Revision{head}, now)
	switch {
	case len(v.paused) > 0:
		return fmt.Sprintf("pausing until %s after %s", near(r.Retry, now), tries(r.Run.Attempt))
	case len(v.calmed) > 0:
		return t.stormText()
	case len(v.slowed) > 0:
		return t.roundsText(s.Rounds)
	case len(v.abandoned) > 0:
		return r.Run.gaveUpText(t.Name)
	case len(v.held) > 0:
		return s.Paused.text("paused", now)
	case len(v.barred) > 0:
		return t.trust(head).Barred
	case l.crowded[head.Ref] == head.SHA && len(v.unapproved)+len(v.todo) > 0:
		return t.crowdedText(head)
	case len(v.unapproved) > 0:
		return t.approvalText(head)
	case !l.here && slices.Contains([]string{ForApproval, ForOthers}, s.Queue[head.Ref].Run.Waits) && !r.approved(head.SHA): // the task's rules are not known
		return s.Queue[head.Ref].Run.Reason
	case len(v.lacking) > 0:
		return v.state.requiredText(head.SHA)
	case len(v.closed) > 0:
		return t.Rules.Windows.opensText(now)
	case len(v.mistaken) > 0:
		return r.Run.rests(t.Name)
	case len(v.outdated) > 0:
		return "applied; the actions have changed since and run with the next commit"
	case len(v.remembered) > 0 || s.startsAt(head):
		return "remembered at the first poll, not run"
	case len(v.todo) > 0 && cmp.Or(l.waits[head.Ref], l.waits[""]) != "":
		return cmp.Or(l.waits[head.Ref], l.waits[""])
	case len(v.todo) > 0 && l.foreign && t.trust(head).Foreign:
		return waitsForForeign
	case len(v.todo) > 0:
		return "runs with the next poll"
	case r.Pinned != nil && v.state.Refs[head.Ref].Pinned != nil:
		return r.Pinned.pinnedText(now)
	case r.Run != nil && !r.Run.Finished.IsZero():
		return "applied " + ago(now.Sub(r.Run.Finished)) + r.Run.Vouched()
	}
	return "applied"
}

// near is a moment as a person compares it with a watch: with the date unless it
// is within half a day of now, and with the year where that is not the nearest one.
func near(t, now time.Time) string {
	switch away := t.Sub(now).Abs(); {
	case away < 12*time.Hour:
		return t.Local().Format("15:04")
	case away > 180*24*time.Hour:
		return t.Local().Format("2 Jan 2006 15:04")
	}
	return t.Local().Format("2 Jan 15:04")
}

// ago is how long something is over, as coarsely as people say it.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}
