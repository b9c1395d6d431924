package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// The orders.
const (
	Pause  = "pause"  // run nothing new
	Resume = "resume" // and go on
	Cancel = "cancel" // end a run
	Again  = "again"  // run the head again, however its last run ended

	Pin      = "pin"      // stay at a revision
	Rollback = "rollback" // to the revision before, until another head appears
	Unpin    = "unpin"    // follow the head
)

// Order is what somebody wants of a task.
type Order struct {
	What   string
	By     string    // the user's name
	Ref    string    // in full; "": the only one that the task has
	Run    string    // of Cancel
	SHA    string    // of Pin, Rollback and Approve, or its first digits; "": the one applied before, or that waits
	Known  []string  // revisions that SHA may stand for beside those in the state
	Reason string    // of Pause, for people
	Until  time.Time // of Pause; zero: until Resume
	After  bool      // of Again: when what runs has ended
	Anyway bool      // of Again: also while the task is paused
	Person Person    // By, where he has given it by way of the host of the repository

	task    string                          // whose state it is
	strange func(git.Revision) bool         // whether a revision is one of a stranger, that has to be approved; nil: none is
	show    func(State, git.Revision) State // adds what the world hears of a run that was ordered; nil: nothing
	heads   map[string]string               // of its refs, as far as known
}

// maxReason bounds the reason of an order, in bytes.
const maxReason = 500

// RefusedError says why an order cannot be.
type RefusedError struct {
	Unknown bool // what it is about is not there; else how that stands is against it
	why     string
}

func (e *RefusedError) Error() string { return e.why }

func refuse(format string, args ...any) error {
	return &RefusedError{why: fmt.Sprintf(format, args...)}
}

// ordered is an order that is in the state.
type ordered struct {
	about git.Revision // the ref, if it is about one
	why   string       // how the task stands by it
	told  string       // what was ordered, and what that replaces
}

// Order has a task do what somebody wants. It is saved before Order returns how the task
// stands by it; *[RefusedError] says why it cannot be.
func (p *Poller) Order(ctx context.Context, name string, o Order) (why string, err error) {
	p.mu.Lock()
	i := slices.IndexFunc(p.tasks, func(t Task) bool { return t.Name == name })
	var task Task
	if i >= 0 {
		task = p.tasks[i]
	}
	w := p.watches[name]
	if w != nil {
		o.heads = w.found
	}
	p.mu.Unlock()
	if task.hears() != "" {
		o.show = task.ordered
	}
	o.strange = func(rev git.Revision) bool { return task.trust(rev).Approve }
	own := func(s State) State { return verdictOnNothing(task, s).state }
	if i < 0 && p.Members != nil { // it may be another instance's
		if state, known, _ := p.recalled(name); known && state.URL != "" {
			i, own = 0, func(s State) State { return s }
		}
	}
	if i < 0 {
		return "", noTask(name)
	}
	m := newMemory(p.Store, name)
	done, err := o.save(ctx, &m, own, true)
	if err != nil {
		return "", err
	}
	if o.What == Cancel {
		p.stopCancelled(name, o)
	}
	if w != nil && o.show != nil {
		w.outbox.soon(&m)
	}
	done.why += o.untilOpen(task.Rules.Windows, time.Now())
	if done.told == "" { // it was so before
		return done.why, nil
	}
	p.tell(Event{Kind: Ordered, Task: name, Run: Run{Task: name, Revision: done.about}, Reason: done.told})
	p.NudgeTask(name)
	return done.why, nil
}

// untilOpen says that what was ordered has to wait for a window.
func (o Order) untilOpen(windows Windows, now time.Time) string {
	switch {
	case o.Anyway, windows.open(now):
	case o.What == Approve:
		return ", but " + windows.opensText(now)
	case o.What == Again, o.What == Pin, o.What == Rollback:
		return ", but " + windows.opensText(now) + ": --anyway does not wait for that"
	}
	return ""
}

// OrderOf changes what a store remembers of a task, while no agent runs.
func OrderOf(ctx context.Context, s store.Store, name string, o Order) (why string, err error) {
	m := newMemory(s, name)
	return o.into(ctx, &m, false)
}

// into changes a memory that is not this process's; here tells that an agent heeds it.
func (o Order) into(ctx context.Context, m *memory, here bool) (why string, err error) {
	state, err := m.Load(ctx)
	if err != nil {
		return "", err
	}
	if state.URL == "" {
		return "", noTask(m.Key)
	}
	done, err := o.save(ctx, m, func(s State) State { return s }, here)
	return done.why, err
}

func noTask(name string) error {
	return &RefusedError{true, fmt.Sprintf("no task %q", name)}
}

// save writes what an order makes of the state.
func (o Order) save(ctx context.Context, m *memory, own func(State) State, here bool) (done ordered, err error) {
	if len(o.Reason) > maxReason || !utf8.ValidString(o.Reason) || strings.ContainsAny(o.Reason, "\r\n") {
		return done, refuse("the reason is no line of at most %d bytes", maxReason)
	}
	var refused error
	o.task = m.Key
	err = m.Save(ctx, func(s State) State {
		done, refused = ordered{}, nil
		heard, before := own(s).heed(o)
		if before {
			return s
		}
		next, answer, err := heard.ordered(o, here, time.Now())
		if done, refused = answer, err; refused != nil {
			s.Heeded = heard.Heeded
			return s
		}
		return next
	})
	return done, errors.Join(refused, err)
}

// ordered is the state with an order in it. It is a pure function; here tells that an agent runs.
func (s State) ordered(o Order, here bool, now time.Time) (State, ordered, error) {
	switch o.What {
	case Pause:
		return s.pause(o, now)
	case Resume:
		return s.resume(o, now)
	case Cancel:
		return s.cancel(o)
	case Again:
		return s.again(o, here, now)
	case Pin, Rollback:
		return s.pin(o, here, now)
	case Unpin:
		return s.unpin(o, now)
	case Approve:
		return s.approve(o, here, now)
	}
	return s, ordered{}, refuse("no order %q", o.What)
}

func (s State) pause(o Order, now time.Time) (State, ordered, error) {
	if !o.Until.IsZero() && !o.Until.After(now) {
		return s, ordered{}, refuse("%s is over already", o.Until.Local().Format(time.DateTime))
	}
	done := ordered{}
	if s.Paused.stands(now) {
		done.told = ", which replaces: " + s.Paused.text("paused", now)
	}
	s.Paused = &Hold{By: o.By, Since: stampOf(now), Until: o.Until.UTC(), Reason: o.Reason}
	done.why = s.Paused.text("paused", now)
	done.told = done.why + done.told
	return s, done, nil
}

func (s State) resume(o Order, now time.Time) (State, ordered, error) {
	if !s.Paused.stands(now) {
		return s, ordered{}, refuse("it is not paused")
	}
	done := ordered{why: "goes on", told: "resumed by " + o.By + ", which ends: " + s.Paused.text("paused", now)}
	s.Paused = nil
	return s, done, nil
}

// refOf is the ref that an order is about: the one it names, or the only one.
func (s State) refOf(named string) (string, error) {
	known := slices.Sorted(maps.Keys(s.Refs))
	if len(known) == 0 {
		for _, rev := range s.Remembered {
			known = append(known, rev.Ref)
		}
	}
	for _, ref := range git.Meant(named) {
		if _, remembered := s.Remembered.sha(ref); named != "" && (remembered || slices.Contains(known, ref)) {
			return ref, nil
		}
	}
	switch {
	case named == "" && len(known) == 1:
		return known[0], nil
	case len(known) == 0:
		return "", refuse("nothing is known of its branches or tags yet: the first poll has to come")
	}
	short := make([]string, 0, maxNamed+1)
	for i, ref := range known {
		if i == maxNamed {
			short = append(short, fmt.Sprintf("and %d more", len(known)-i))
			break
		}
		short = append(short, git.Revision{Ref: ref}.Name())
	}
	names := strings.Join(short, ", ")
	if named != "" {
		return "", &RefusedError{true, fmt.Sprintf("no %s; there are: %s", git.Revision{Ref: named}.Name(), names)}
	}
	return "", refuse("it has several branches: name one with --ref: %s", names)
}
