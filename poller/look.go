package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// look asks the remote for its heads, brings the memory up to date and
// returns what is to run, the longest unserved first.
func (w *watch) look(ctx context.Context) ([]git.Revision, error) {
	select { // whoever nudged until now is served by this look
	case <-w.wake:
	default:
	}
	w.collectHints()
	w.looking()
	before := w.failures
	w.due = time.Now().Add(jittered(w.interval()))
	todo, err := w.compare(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", w.task.Name, errInterrupted)
		}
		w.fail(err)
	} else {
		w.failures = 0
		w.heed(w.mem.State)
		for _, soon := range []time.Time{w.opens, w.asks} {
			if !soon.IsZero() && soon.Before(w.due) {
				w.due = soon
			}
		}
		w.chase()
	}
	w.hasLooked(err)
	w.tell(Event{Kind: Looked, Err: err, Failures: before, Next: w.due})
	return w.unserved(todo), w.failedLook(err)
}

// failedLook is what --poll-once says of a look. That one is put off the log says
// to nobody: whoever has the limit does, once.
func (w *watch) failedLook(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", w.task.Name, err)
	var later *LaterError
	if errors.As(err, &later) {
		return err
	}
	return told(err)
}

// interval is the task's, stretched to what the host bears.
func (w *watch) interval() time.Duration { return w.task.pace() }

// fail plans the next look after one that failed.
func (w *watch) fail(err error) {
	var later *LaterError
	if errors.As(err, &later) && later.At.After(time.Now()) {
		w.due = later.At.Add(w.interval() - jittered(w.interval())) // not all at the same moment
		return
	}
	w.failures++
	w.due = time.Now().Add(jittered(w.p.retryPoll(w.interval(), w.failures)))
}

// compare is the look proper. What can run is returned even with an error,
// since a missing branch is no reason to leave the others.
func (w *watch) compare(ctx context.Context) ([]git.Revision, error) {
	w.owes, w.opens, w.asks, w.newer, w.gone = false, time.Time{}, time.Time{}, nil, nil
	heads, err := w.heads(ctx)
	empty := errors.Is(err, git.ErrEmpty)
	if err != nil && !empty {
		return nil, err
	}
	open := w.openLanes()
	state, err := w.recall(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	over := !empty && w.inquire(ctx, state, heads, now)
	judge := func(s State) verdict {
		if s.asked = w.knownRequired(); over {
			s.Rounds = nil
		}
		if empty {
			return verdictOnNothing(w.task, s)
		}
		v := w.noticeBehind(decide(w.task, s, heads, now), heads, now)
		leaveToLanes(open, &v, heads)
		v.changed = v.changed || over
		return v
	}
	v := judge(state)
	w.chased = slices.DeleteFunc(w.chased, func(rev git.Revision) bool { return shows(heads, rev) })
	if w.mem.Hold != nil && !w.leased {
		if w.visit(ctx, state, &v) {
			return v.todo, nil
		}
	} else if v.changed || w.once {
		err := w.mem.Save(ctx, func(s State) State {
			v = verdict{} // which may have all of 300,000 branches, too
			v = judge(s)
			v.state.NextPoll = w.nextPoll()
			return v.state
		})
		if err != nil {
			return nil, err
		}
		if v.told || len(v.forgotten) > 0 { // of which somebody may have to hear
			w.outbox.kick(ctx, &w.mem)
		}
	}
	w.newer, w.gone = v.newer, v.gone
	if w.task.Versions != nil {
		heads = v.heads
	}
	w.keepHeads(v.state, heads, v.others)
	w.keepBack(v)
	if todo, done, err := w.hearFirst(ctx, v, heads); done {
		return todo, err
	}
	w.announce(v)
	if w.p.dropKept(w.mem.Key, state, v.state) {
		w.p.sweepSoon(ctx)
	}
	if err := w.identify(ctx, v); err != nil {
		return nil, err
	}
	switch {
	case empty:
		w.say(git.Revision{}, "the repository has no branches yet", time.Time{})
	case len(v.missing) > 0:
		return v.todo, fmt.Errorf("%s has no %s", w.task.URL, strings.Join(v.missing, ", "))
	case v.vanished:
		w.say(git.Revision{Ref: v.version}, vanished, time.Time{})
	case len(heads) == 0 && w.task.Refs.Wild():
		w.say(git.Revision{}, w.task.noMatch(v.others), time.Time{})
	case len(w.served) == 0 && v.idle():
		w.idle = heads
	}
	return v.todo, nil
}

// keepHeads notes where the refs are that had a run or will have one, for people to see.
func (w *watch) keepHeads(s State, heads []git.Revision, others int) {
	same := len(w.found) > 0 && w.others == others
	known := 0
	remembered := s.Remembered.finder()
	for _, head := range heads {
		if _, there := remembered(head.Ref); there {
			continue
		}
		known++
		same = same && w.found[head.Ref] == head.SHA
	}
	if same && known == len(w.found) {
		return
	}
	fresh := make(map[string]string, known)
	remembered = s.Remembered.finder()
	for _, head := range heads {
		if _, there := remembered(head.Ref); !there {
			fresh[head.Ref] = head.SHA
		}
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.found, w.others = fresh, others
}

// identify asks which repository it is that something is about to run of, or waits, since clicks on GitHub name it so.
func (w *watch) identify(ctx context.Context, v verdict) (err error) {
	waits := len(v.state.Queue) > 0 && v.state.Identity == ""
	if len(v.todo) == 0 && !waits || w.task.Identity == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, min(maxLook, w.task.Timeout))
	defer cancel()
	w.identity, err = w.task.Identity(limited, v.state.Identity)
	if waits && err == nil {
		err = w.mem.Save(ctx, func(s State) State { s.Identity = cmp.Or(s.Identity, w.identity); return s })
	}
	if len(v.todo) == 0 {
		return nil // it is asked again
	}
	return err
}

func unanswered(url string, limit time.Duration, err error) error {
	return fmt.Errorf("no answer from %s within %s: %w", url, limit, err)
}

// announce tells what a look decided not to run, each thing once.
func (w *watch) announce(v verdict) {
	w.tellRemembered(v.remembered)
	for _, rev := range v.forgotten {
		w.tell(Event{Kind: Forgotten, Run: Run{Task: w.task.Name, Revision: rev}})
	}
	for _, rev := range v.paused {
		r := v.state.Refs[rev.Ref]
		w.say(rev, pausing(r.Run.Attempt), r.Retry)
	}
	if len(v.calmed) > 0 {
		w.say(git.Revision{}, w.task.stormText(), v.state.Storm.Last.Add(w.task.stormPause()))
	}
	if r := v.state.Rounds; len(v.slowed) > 0 {
		w.say(git.Revision{}, w.task.roundsText(r), r.Last.Add(w.task.roundPause(r)))
	}
	for _, rev := range v.abandoned {
		w.say(rev, v.state.Refs[rev.Ref].Run.gaveUpText(w.task.Name), time.Time{})
	}
	for _, rev := range v.forward {
		w.tell(Event{Kind: Ordered, Run: Run{Task: w.task.Name, Revision: rev}, Reason: "another head ends the rollback"})
	}
	for _, rev := range v.unapproved {
		w.say(rev, w.task.approvalText(rev), time.Time{})
	}
	for _, rev := range v.crowded {
		w.say(rev, w.task.crowdedText(rev), time.Time{})
	}
	for _, rev := range v.lacking {
		w.say(rev, v.state.requiredText(rev.SHA), time.Time{})
	}
	for _, rev := range v.barred {
		w.say(rev, w.task.trust(rev).Barred, time.Time{})
	}
	for _, rev := range v.closed {
		now := time.Now()
		w.opens, _ = w.task.Rules.Windows.next(now)
		w.say(rev, w.task.Rules.Windows.opensText(now), w.opens)
	}
	for _, rev := range v.held {
		w.say(rev, v.state.Paused.text("paused", time.Now()), v.state.Paused.Until)
	}
	for _, rev := range v.mistaken {
		w.say(rev, v.state.Refs[rev.Ref].Run.rests(w.task.Name), time.Time{})
	}
	switch n := len(v.outdated); {
	case n == 1:
		w.say(v.outdated[0], "applied already; the actions have changed since and run with the next commit", time.Time{})
	case n > 1:
		w.say(git.Revision{}, fmt.Sprintf("%d branches are applied already; the actions have changed since and run with their next commits", n), time.Time{})
	}
}

// tellRemembered names a few branches; many are counted.
func (w *watch) tellRemembered(revs []git.Revision) {
	if len(revs) > maxNamed {
		w.tell(Event{Kind: Remembered, Run: Run{Task: w.task.Name}, Count: len(revs)})
		return
	}
	for _, rev := range revs {
		w.tell(Event{Kind: Remembered, Run: Run{Task: w.task.Name, Revision: rev}, Count: 1})
	}
}

const (
	nothingNew = "nothing new"
	vanished   = "the tag is gone from the remote, which changes nothing"
)

func pausing(attempt int) string { return fmt.Sprintf("pausing after failed attempt %d", attempt) }

// say tells why a revision is not run, unless it was the last thing said of its ref.
func (w *watch) say(rev git.Revision, reason string, until time.Time) {
	if w.known(rev, reason) {
		return
	}
	w.tell(Event{Kind: Skipped, Run: Run{Task: w.task.Name, Revision: rev}, Reason: reason, Next: until})
}

// known tells whether a reason was given before, and remembers that it now is.
func (w *watch) known(rev git.Revision, reason string) bool {
	what := rev.SHA + " " + reason
	if w.told[rev.Ref] == what {
		return true
	}
	if w.told == nil {
		w.told = map[string]string{}
	}
	w.told[rev.Ref] = what
	return false
}
