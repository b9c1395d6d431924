package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Required is how what a task requires of a revision stands, by names. Without any the revision may run.
type Required struct {
	Waits  []string // what nobody has said anything of yet, or not its last word
	Failed []string
}

// In seconds, but for the last.
const (
	askEach  = 30     // between two questions about a revision that waits,
	askLast  = 5 * 60 // and at most, where that is less than a part of the time that it has waited:
	askPart  = 20
	askSoon  = 2  // from one question to the next where somebody has said that the answer is another now
	maxAsked = 20 // revisions that a poll asks about
)

// asked is what is known of a revision that waits for what is required of it.
type asked struct {
	waits string    // for what, or why nobody knows; "": for nothing any more
	found string    // what was found out last
	first time.Time // when somebody asked first
	last  time.Time
	next  time.Time // not before
}

// text says that something is missing, "" for nothing.
func (r Required) text() string {
	var all []string
	if len(r.Waits) > 0 {
		all = append(all, "waits for "+some(r.Waits))
	}
	if len(r.Failed) > 0 {
		all = append(all, some(r.Failed)+" failed")
	}
	return strings.Join(all, "; ")
}

// told is what a commit is told.
func (a asked) told() string { return cmp.Or(a.found, unknown) }

// unknown is said of what nobody could ask about yet.
const unknown = "waits for what it requires"

// some names a few, and counts the others.
func some(names []string) string {
	if n := len(names) - maxNamed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), n)
	}
	return strings.Join(names, ", ")
}

// requiredText is why a revision waits, as far as somebody knows.
func (s State) requiredText(sha string) string {
	if a, known := s.asked[sha]; known {
		return a.waits
	}
	return unknown
}

// require keeps what waits for statuses and check runs. A revision that has run once has had them, so that a way back waits for nobody.
func (v *verdict) require(t Task) {
	if t.Required == nil {
		return
	}
	v.todo = slices.DeleteFunc(v.todo, func(rev git.Revision) bool {
		if r := v.state.Refs[rev.Ref]; r.anyway() || slices.Contains([]string{r.at(), r.Applied, r.Former}, rev.SHA) {
			return false
		}
		v.required = append(v.required, rev)
		a, known := v.state.asked[rev.SHA]
		if known && a.waits == "" {
			return false
		}
		v.lacking = append(v.lacking, rev)
		return true
	})
}

// askRequired finds out how what is required of revisions stands, of those that it is time for.
func (w *watch) askRequired(ctx context.Context, revs []git.Revision) {
	now, known := time.Now(), map[string]asked{}
	before := w.knownRequired()
	for _, rev := range revs {
		known[rev.SHA] = before[rev.SHA]
	}
	w.asks = time.Time{}
	questions := 0
	turns := slices.Clone(revs)
	if w.once { // nobody remembers what was asked before: each is to have its turn all the same
		rand.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	}
	slices.SortStableFunc(turns, func(a, b git.Revision) int { return known[a.SHA].last.Compare(known[b.SHA].last) })
	for _, rev := range turns {
		a := known[rev.SHA]
		if !a.next.After(now) && questions < maxAsked {
			questions++
			var down bool
			if a, down = w.askOne(ctx, rev, a); down {
				questions = maxAsked // the others, later
			}
			known[rev.SHA] = a
		}
		next := a.next
		if !next.After(now) {
			next = now.Add(w.p.seconds(askEach))
		}
		if w.asks.IsZero() || next.Before(w.asks) {
			w.asks = next
		}
	}
	for sha, a := range known {
		if a.last.IsZero() {
			delete(known, sha)
		}
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	for sha, a := range known {
		if w.asked[sha].next.Before(before[sha].next) { // somebody has said so meanwhile
			a.next = a.last.Add(w.p.seconds(askSoon))
			known[sha] = a
		}
	}
	w.asked = known
}

// askOne asks about one revision. It tells whether there is no point in asking about others now.
func (w *watch) askOne(ctx context.Context, rev git.Revision, a asked) (now asked, down bool) {
	limited, cancel := context.WithTimeout(ctx, min(maxLook, w.task.Timeout))
	defer cancel()
	found, err := w.task.Required(limited, rev)
	a.last = time.Now()
	if a.first.IsZero() {
		a.first = a.last
	}
	rest := min(max(w.p.seconds(askEach), a.last.Sub(a.first)/askPart), w.p.seconds(askLast))
	a.next = a.last.Add(rest)
	if err == nil {
		a.found = found.text()
	}
	if a.waits = a.found; err != nil {
		a.waits = "waits until it is known how what it requires stands: " + plainly(err)
	}
	var later *LaterError
	if errors.As(err, &later) && later.At.After(a.next) {
		a.next = later.At
	}
	return a, err != nil
}

// knownRequired is what the latest polls have found out, also of one that a run goes on beside.
func (w *watch) knownRequired() map[string]asked {
	if w.main != nil {
		w = w.main
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return w.asked
}

// NudgeRequired says that somebody has said something of a commit that a task may wait for; without its SHA, of any. It
// is a hint, as a Nudge is.
func (p *Poller) NudgeRequired(n Nudge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.watches {
		if w.current().Required == nil || !w.concerns(n.URL, n.Identity) {
			continue
		}
		elsewhere := !w.shared.since.IsZero() && !w.shared.mine // nobody knows here what it waits for
		if elsewhere && n.Broadcast {
			continue
		}
		waits := elsewhere
		known := maps.Clone(w.asked)
		for sha, a := range known {
			if (n.SHA == "" || n.SHA == sha) && a.waits != "" {
				waits = true
				if soon := a.last.Add(p.seconds(askSoon)); soon.Before(a.next) {
					a.next = soon
					known[sha] = a
				}
			}
		}
		if waits {
			w.asked = known
			w.nudge(git.Revision{}, n.Verified)
		}
	}
}
