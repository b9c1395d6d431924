package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// gate holds what one installation, or the App itself, asks of GitHub within the limits.
type gate struct {
	whose   string
	log     *slog.Logger
	recheck time.Duration

	mu       sync.Mutex
	inFlight int
	spent    []expense   // of the last minute
	points   int         // their sum
	posts    int         // those that are statuses
	hour     []time.Time // when the statuses of the last hour left
	waiting  []*ticket   // final ones first, each kind in the order they came
	timer    *time.Timer

	limit   *LimitError // the last one
	strikes int         // secondary limits in a row

	failures  int // in a row
	down      *DownError
	downUntil time.Time
}

type expense struct {
	at     time.Time
	points int
	post   bool
}

// ticket is one request that waits for its turn.
type ticket struct {
	class  class
	points int
	turn   chan error // receives once: nil to go, or why not
}

func (t *ticket) post() bool { return t.class != ordinary }

// enter waits until the request may go; leave must be called with what came of it.
// While GitHub is at its limit or does not answer, enter returns that at once.
func (g *gate) enter(ctx context.Context, c class, points int) error {
	t := &ticket{class: c, points: points, turn: make(chan error, 1)}
	g.mu.Lock()
	if err := g.closed(); err != nil {
		g.mu.Unlock()
		return err
	}
	if c == progress && g.occupied() {
		g.mu.Unlock()
		return ErrBusy
	}
	place := len(g.waiting)
	if n := slices.IndexFunc(g.waiting, func(o *ticket) bool { return c.before(o.class) }); n >= 0 {
		place = n
	}
	g.waiting = slices.Insert(g.waiting, place, t)
	g.admit()
	g.mu.Unlock()

	select {
	case err := <-t.turn:
		return err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if place := slices.Index(g.waiting, t); place >= 0 {
		g.waiting = slices.Delete(g.waiting, place, place+1)
	} else if err := <-t.turn; err == nil { // it came at the same moment
		g.inFlight--
	}
	g.admit()
	return fmt.Errorf("wait for a turn at GitHub's API: %w", ctx.Err())
}

// leave ends a request. It returns err, with the end of the pause filled in when that is a limit.
func (g *gate) leave(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	limit, limited := errors.AsType[*LimitError](err)
	down, isDown := errors.AsType[*DownError](err)
	switch {
	case limited:
		err = g.pause(limit)
	case isDown:
		g.fail(down)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	default:
		g.failures = 0
		if g.closed() == nil { // answers that were under way when the limit came are no all-clear
			g.strikes = 0
		}
	}
	g.admit()
	return err
}

// occupied tells whether there is anything better to ask of GitHub than how far a run has come, or may soon be.
func (g *gate) occupied() bool {
	g.forget()
	return len(g.waiting) > 0 || g.inFlight >= inFlightMost-1 || g.posts >= progressPerMinute || len(g.hour) >= progressPerHour
}

// exhausted notes an answer that used up the hour: the next request would be refused.
func (g *gate) exhausted(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.pause(&LimitError{Until: until})
}

// closed is why no request may go now.
func (g *gate) closed() error {
	now := time.Now()
	if g.limit != nil && now.Before(g.limit.Until) {
		return g.limit
	}
	if now.Before(g.downUntil) {
		return g.down
	}
	return nil
}

// pause stops everything until GitHub's limit is over, and says so once. Requests that were under way with the first
// that met the limit do not count as further strikes.
func (g *gate) pause(l *LimitError) *LimitError {
	now := time.Now()
	standing := g.limit != nil && now.Before(g.limit.Until)
	switch {
	case !l.Until.IsZero():
	case standing:
		return g.limit
	default:
		l.Until = now.Add(min(longPause, firstPause<<min(g.strikes, 10)))
		g.strikes++
	}
	if standing && !l.Until.After(g.limit.Until) {
		return g.limit
	}
	l.Whose = g.whose
	g.limit = l
	if !standing && l.Until.After(now) {
		g.log.Warn("GitHub's rate limit is reached, pausing", "whose", g.whose, "until", l.Until.UTC(), "secondary", l.Secondary)
	}
	g.turnAway(l)
	return l
}

// fail counts requests without an answer. After several in a row the next ones are not even tried for a while,
// so that they need not wait one after another for a server that hangs.
func (g *gate) fail(d *DownError) {
	const most = 3
	if g.failures++; g.failures < most {
		return
	}
	g.down, g.downUntil = d, time.Now().Add(g.recheck/2)
	g.turnAway(d)
}

// dismiss turns away all who wait, because asking has become pointless.
func (g *gate) dismiss(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnAway(err)
}

func (g *gate) turnAway(err error) {
	for _, t := range g.waiting {
		t.turn <- err
	}
	g.waiting = nil
}

// admit lets all go that may. A request that must wait for points holds back those behind it, or small ones would
// starve it; a status beyond the posts of a minute holds back nobody.
func (g *gate) admit() {
	g.forget()
	staying := g.waiting[:0]
	for i, t := range g.waiting {
		crowded := t.post() && (g.posts >= postsPerMinute || len(g.hour) >= postsPerHour)
		if g.inFlight >= inFlightMost || !crowded && g.points+t.points > pointsPerMinute {
			staying = append(staying, g.waiting[i:]...)
			break
		}
		if crowded {
			staying = append(staying, t)
			continue
		}
		g.let(t)
	}
	clear(g.waiting[len(staying):])
	g.waiting = staying
	g.arm()
}

// let gives a request its turn.
func (g *gate) let(t *ticket) {
	g.inFlight++
	g.spent = append(g.spent, expense{time.Now(), t.points, t.post()})
	g.points += t.points
	if t.post() {
		g.posts++
		g.hour = append(g.hour, time.Now())
	}
	t.turn <- nil
}

// arm wakes the gate when the oldest expense is a minute old, or the oldest status an hour, if that is what the next request
// waits for.
func (g *gate) arm() {
	if len(g.waiting) == 0 || g.inFlight >= inFlightMost || len(g.spent)+len(g.hour) == 0 {
		return
	}
	wait := time.Hour
	if len(g.hour) > 0 {
		wait = time.Until(g.hour[0].Add(time.Hour))
	}
	if len(g.spent) > 0 {
		wait = min(wait, time.Until(g.spent[0].at.Add(time.Minute)))
	}
	if g.timer != nil {
		g.timer.Reset(wait)
		return
	}
	g.timer = time.AfterFunc(wait, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.admit()
	})
}

// forget drops what was spent more than a minute ago.
func (g *gate) forget() {
	edge := time.Now().Add(-time.Minute)
	n := 0
	for ; n < len(g.spent) && !g.spent[n].at.After(edge); n++ {
		g.points -= g.spent[n].points
		if g.spent[n].post {
			g.posts--
		}
	}
	g.spent = slices.Delete(g.spent, 0, n)
	old := time.Now().Add(-time.Hour)
	kept := slices.IndexFunc(g.hour, func(at time.Time) bool { return at.After(old) })
	if kept < 0 {
		kept = len(g.hour)
	}
	g.hour = slices.Delete(g.hour, 0, kept)
}
