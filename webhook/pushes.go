package webhook

import (
	"slices"
	"sync"
	"time"
)

// tooLate is when a delivery that is not in the log by now never will be: entries take seconds, sometimes minutes.
const tooLate = 10 * time.Minute

// pushes tells an App that hears of no pushes from one to whose repositories nobody pushes.
type pushes struct {
	mu    sync.Mutex
	moved time.Time // when a branch first did
	heard bool      // the log has named a push
	said  bool
}

// Moved says that a branch of one of the App's repositories was found to have moved: the log should tell of it, too. It may be
// called concurrently with Run.
func (l *DeliveryLog) Moved() {
	l.pushes.mu.Lock()
	defer l.pushes.mu.Unlock()
	if l.pushes.moved.IsZero() {
		l.pushes.moved = time.Now()
	}
}

// lookForPushes says once that branches move and the log names no push.
func (l *DeliveryLog) lookForPushes(found []delivery) {
	p := &l.pushes
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = p.heard || slices.ContainsFunc(found, func(d delivery) bool { return d.Event == "push" })
	if p.heard || p.said || p.moved.IsZero() || time.Since(p.moved) < tooLate {
		return
	}
	p.said = true
	l.Log.Warn("branches move, and the App's delivery log names no push: subscribe the App to the event Push, " +
		"under \"Permissions & events\" of its settings; until then only polling finds what is new")
}
