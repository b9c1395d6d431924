package api

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller"
)

// keptEvents is how many events a Feed remembers for those who come back.
const keptEvents = 1000

// The kinds of [Event].
const (
	RunStarted    = "started"
	ActionStarted = "action"
	RunEnded      = "ended"
	TaskChanged   = "task" // how the task stands may have changed: ask
)

// Event is a step of a run or of a task, by names and outcomes only.
type Event struct {
	Kind    string    `json:"event"`
	At      time.Time `json:"at"`
	Task    string    `json:"task"`
	Ref     string    `json:"ref,omitempty"`
	SHA     string    `json:"sha,omitempty"`
	Run     string    `json:"run,omitempty"`
	Action  string    `json:"action,omitempty"`
	Outcome string    `json:"outcome,omitempty"` // of a run that has ended
}

// Feed remembers the latest events, once for all who follow them. It is safe for concurrent use.
type Feed struct {
	epoch string // of this process: a number means nothing to the next one

	mu      sync.Mutex
	events  []Event
	first   uint64        // the number of the first of them
	changed chan struct{} // closed with the next one
}

// NewFeed returns a Feed to which nothing has happened yet.
func NewFeed() *Feed {
	return &Feed{epoch: rand.Text()[:8], changed: make(chan struct{})}
}

// Observe is the [poller.Observer] that fills the feed. It never waits.
func (f *Feed) Observe(e poller.Event) {
	next, is := eventOf(e)
	if !is {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 2*keptEvents {
		f.first += keptEvents
		f.events = append(make([]Event, 0, 2*keptEvents), f.events[keptEvents:]...)
	}
	f.events = append(f.events, next)
	close(f.changed)
	f.changed = make(chan struct{})
}

// eventOf is what a feed tells of an event, if anything.
func eventOf(e poller.Event) (Event, bool) {
	r := e.Run
	next := Event{Kind: TaskChanged, At: time.Now().UTC(), Task: e.Task, Ref: r.Revision.Ref, SHA: r.Revision.SHA, Run: r.ID}
	switch e.Kind {
	case poller.Started:
		next.Kind = RunStarted
	case poller.ActionStarted:
		next.Kind, next.Action = ActionStarted, r.Action
	case poller.Finished, poller.Interrupted:
		next.Kind, next.Action, next.Outcome = RunEnded, r.Action, r.Outcome.Word()
	case poller.Ordered, poller.Remembered, poller.Forgotten:
	case poller.Looked: // the first failure, and the end of it
		return next, (e.Err != nil) == (e.Failures == 0)
	default:
		return next, false
	}
	return next, e.Task != ""
}

// ID is the place behind the latest event, from which a stream may go on.
func (f *Feed) ID() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.id(f.end())
}

func (f *Feed) id(n uint64) string { return f.epoch + "-" + strconv.FormatUint(n, 10) }

// end is the number of the next event. The caller holds mu.
func (f *Feed) end() uint64 { return f.first + uint64(len(f.events)) }

// place is the number that an id stands for, and whether all since then is still known.
func (f *Feed) place(id string) (n uint64, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, ours := strings.CutPrefix(id, f.epoch+"-")
	n, err := strconv.ParseUint(text, 10, 64)
	if !ours || err != nil || n < f.first || n > f.end() {
		return f.end(), id == ""
	}
	return n, true
}

// since waits until something happens from a number on, and returns it with the
// number behind it. The events are not to be changed. It knows nothing of what
// happened so many events ago that they are forgotten.
func (f *Feed) since(ctx context.Context, n uint64) (events []Event, next uint64, known bool) {
	for {
		f.mu.Lock()
		end, changed := f.end(), f.changed
		known = n >= f.first
		if known {
			events = f.events[n-f.first : len(f.events) : len(f.events)]
		}
		f.mu.Unlock()
		if !known || len(events) > 0 {
			return events, end, known
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, n, true
		}
	}
}
