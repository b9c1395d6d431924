package poller

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/hosts"
)

// Nudge says that a repository may have moved. It is a hint, of which nothing is trusted.
type Nudge struct {
	URL       string // of the repository in any form, or of an owner: all of their repositories; may be empty
	Identity  string // what the host calls the repository whatever its name; may be empty
	Ref       string // empty: any
	SHA       string // to expect at the ref; empty or zeros: unknown, or the ref is gone
	Broadcast bool   // the instances that share the store have all heard it
	Verified  bool   // the host said so itself, so that no stranger can make the task look too often
}

const (
	nudgeBurst    = 10              // looks by nudges that a task takes at once
	nudgeInterval = 2 * time.Second // between those that follow
	soonInterval  = time.Second / 5 // between those that follow verified nudges
	maxHints      = 32              // revisions that a task looks out for at the same time
	maxHeard      = 64              // revisions that a task remembers to have looked out for
	chaseTries    = 3
	vagueSeconds  = 4 // until the second look for a nudge of which no revision can be believed
)

// nudges are what a watch was told and has yet to look for. They are guarded by p.mu.
type nudges struct {
	limit   *rate.Limiter
	soon    *rate.Limiter  // of verified ones
	pending bool           // the next look is due to a nudge
	vague   bool           // one of a stranger, which promised nothing
	ready   time.Time      // when the limit lets it happen
	hints   []git.Revision // to expect at the next look
	heard   []git.Revision // expected before; whoever replays a delivery causes no chase
}

// Nudge makes the tasks on a repository look now. It never blocks, and many
// nudges cause few looks: ten at once, then one every two seconds, or five a
// second where the host itself gives the word. While a look
// does not show the SHA at the ref yet, because the API lags behind the
// webhook, the task looks again after 1, 2 and 4 seconds; for an unverified
// nudge without a SHA it looks once more after 4. What comes before Run has its
// tasks waits for them.
func (p *Poller) Nudge(n Nudge) {
	if strings.Trim(n.SHA, "0") == "" { // how a webhook says that the branch was deleted
		n.SHA = ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.applied && len(p.early) < maxHeard {
		p.early = append(p.early, n)
	}
	p.nudgeWatches(n)
}

// nudgeWatches tells those whom a nudge concerns. The caller holds p.mu.
func (p *Poller) nudgeWatches(n Nudge) {
	for _, w := range p.watches {
		refs := w.current().Refs
		if n.Broadcast && !w.shared.since.IsZero() && !w.shared.mine {
			continue // who polls it has heard it, too
		}
		if w.concerns(n.URL, n.Identity) && (n.Ref == "" || matches(refs, n.Ref) || slices.Contains(refs, "HEAD")) {
			w.nudge(git.Revision{Ref: n.Ref, SHA: n.SHA}, n.Verified)
		}
	}
}

// NudgeAll makes every task look once more, when nobody knows what moved.
func (p *Poller) NudgeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.watches {
		w.nudge(git.Revision{}, true)
	}
}

// NudgeTask makes one task look now, and tells whether there is one of that name.
func (p *Poller) NudgeTask(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.watches[name]
	if w != nil {
		w.nudge(git.Revision{}, true)
	}
	return w != nil
}

// Watches tells whether a nudge with this URL and identity, either of which may
// be empty, would reach a task. Without a URL, a task whose identity is not
// known yet might be meant.
func (p *Poller) Watches(url, identity string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.watches {
		if w.concerns(url, identity) || url == "" && w.repository == "" {
			return true
		}
	}
	return false
}

// concerns tells whether the watched repository is meant. The caller holds p.mu.
func (w *watch) concerns(url, identity string) bool {
	mine := w.current().URL
	if url != "" && hosts.Contains(url, mine) {
		return true
	}
	return identity != "" && identity == w.repository && (url == "" || hosts.Of(url) == hosts.Of(mine))
}

// nudge plans a look, as soon as the limit has room for it. The caller holds p.mu.
func (w *watch) nudge(rev git.Revision, verified bool) {
	n := &w.nudges
	if rev.SHA != "" && !slices.Contains(n.heard, rev) {
		n.heard = last(append(n.heard, rev), maxHeard)
		n.hints = expect(n.hints, rev)
	}
	limit := n.limit
	if verified {
		limit = n.soon
	}
	n.vague = n.vague || !verified && rev.SHA == ""
	now := time.Now()
	switch {
	case !n.pending:
		n.pending, n.ready = true, now.Add(limit.Reserve().Delay())
	case verified && n.ready.After(now.Add(soonInterval)): // put off on a stranger's word
		n.ready = now.Add(limit.Reserve().Delay())
	}
	w.poke()
}

// expect adds a revision, in the place of an older one of the same ref.
func expect(revs []git.Revision, rev git.Revision) []git.Revision {
	revs = slices.DeleteFunc(revs, func(r git.Revision) bool { return r.Ref == rev.Ref })
	return last(append(revs, rev), maxHints)
}

func last[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// held puts off a look that nudges asked for beyond the limit, to the time that is left in timer.
func (w *watch) held(timer *time.Timer) bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	if w.removed || w.next != nil || !w.nudges.pending {
		return false
	}
	wait := min(time.Until(w.nudges.ready), time.Until(w.due))
	if wait <= 0 {
		return false
	}
	timer.Reset(wait)
	return true
}

// collectHints makes this look the one that the nudges asked for.
func (w *watch) collectHints() {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	for _, rev := range w.nudges.hints {
		w.chased, w.chases = expect(w.chased, rev), 0
	}
	w.vague = w.nudges.vague
	w.nudges.pending, w.nudges.vague, w.nudges.hints = false, false, nil
}

// chase plans the next look for revisions that nudges promised, and for what others may have meant.
func (w *watch) chase() {
	if w.vague {
		w.vague = false
		w.lookIn(w.p.seconds(vagueSeconds)) // longer than a flood of them lets pass between two looks
	}
	switch {
	case len(w.chased) == 0:
		return
	case w.chases == chaseTries:
		w.chased, w.chases = nil, 0
		return
	}
	w.lookIn(w.p.seconds(1 << w.chases))
	w.chases++
}

// lookIn makes the next look come that soon, unless it comes sooner.
func (w *watch) lookIn(wait time.Duration) {
	if soon := time.Now().Add(wait); soon.Before(w.due) {
		w.due = soon
	}
}
