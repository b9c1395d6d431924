package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
)

const (
	gathering    = 5 * time.Second // after a message, further ones are gathered for so long
	maxGathering = 5 * time.Minute // and doubled for as long as there are many
	many         = 3               // messages that are told in full
	named        = 5               // tasks that a digest names
)

// muster is how long a message waits for those that were to come with it: each has its lease again by then, or was lost.
const muster = 2 * time.Second

// batch is what is gathered for one target. The first message after a quiet time goes out at once.
type batch struct {
	window  time.Duration      // how long to gather
	until   time.Time          // a message was sent less than a window before
	absent  map[[3]string]bool // reports that were told to come again then, and have not
	all     chan struct{}      // closed when none is absent any more
	reports []poller.Report
	ready   chan struct{} // closed when sent; nil before the first has come again
	err     error         // of sending; set before ready is closed
}

// gather sends a report at once or, if another one was sent a moment ago, has it brought again when the time to gather is
// over, so that nobody's lease is held meanwhile. Those that come then are sent together.
func (s *Sender) gather(ctx context.Context, t Target, r poller.Report) error {
	if t.Kind == "webhook" { // programs want each
		return s.send(ctx, t, []poller.Report{r})
	}
	name := [3]string{r.Run.Task, r.Run.ID, string(r.Change)}
	now := time.Now()
	s.mu.Lock()
	if s.batches == nil {
		s.batches = map[string]*batch{}
	}
	b := s.batches[r.To]
	switch {
	case b != nil && now.Before(b.until):
		b.absent[name] = true
		s.mu.Unlock()
		return &poller.GatheringError{Until: b.until}
	case b == nil || b.ready == nil && len(b.absent) == 0:
		s.batches[r.To] = newBatch(gathering)
		s.mu.Unlock()
		return s.send(ctx, t, []poller.Report{r})
	}
	b.reports = append(b.reports, r)
	if b.absent[name] {
		delete(b.absent, name)
		if len(b.absent) == 0 {
			close(b.all)
		}
	}
	if b.ready == nil { // the first to come sends for all
		b.ready = make(chan struct{})
		s.mu.Unlock()
		return s.lead(ctx, t, b)
	}
	ready := b.ready
	s.mu.Unlock()
	select {
	case <-ready:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newBatch(window time.Duration) *batch {
	return &batch{window: window, until: time.Now().Add(window), absent: map[[3]string]bool{}, all: make(chan struct{})}
}

// lead waits a moment for those that were to come, and sends what has.
func (s *Sender) lead(ctx context.Context, t Target, b *batch) error {
	select {
	case <-b.all:
	case <-time.After(muster):
	case <-ctx.Done(): // all of them stay in the state
	}
	s.mu.Lock()
	window := gathering
	if len(b.reports) > many {
		window = min(2*b.window, maxGathering)
	}
	s.batches[b.reports[0].To] = newBatch(window)
	reports := b.reports
	s.mu.Unlock()
	if b.err = ctx.Err(); b.err == nil {
		b.err = s.send(ctx, t, reports)
	}
	close(b.ready)
	return b.err
}

// send delivers reports in one message.
func (s *Sender) send(ctx context.Context, t Target, reports []poller.Report) error {
	m, err := s.digest(t, reports)
	if err != nil {
		return err
	}
	err = s.deliver(ctx, t, m)
	var refused *RefusedError
	if ctx.Err() == nil {
		s.book(t, err, errors.As(err, &refused))
	}
	return err
}

// digest makes one message of reports: a few are told in full, many by their cause.
func (s *Sender) digest(t Target, reports []poller.Report) (message, error) {
	m, ids := message{}, sha256.New()
	type cause struct {
		reports []Fields
		texts   []string
	}
	causes := map[string]*cause{}
	var order []string
	for _, r := range reports {
		fmt.Fprintln(ids, r.Run.ID, r.Change, r.Run.Task, r.Run.Revision.Ref, came(r).Unix()) // some are about no run, or about one more than once
		own := t
		if found, ok := s.Find(r.Run.Task, r.To); ok {
			own = found // its template may be another than that of the task that sends for all
		}
		f, text := s.single(own, r)
		if len(reports) == 1 {
			m.link = f.URL
			var err error
			if t.Kind == "webhook" {
				if m.body, err = inJSON(f, r, text); err != nil {
					return m, fmt.Errorf("make a message: %w", err)
				}
			}
		}
		key := f.cause()
		if causes[key] == nil {
			causes[key] = &cause{}
			order = append(order, key)
		}
		causes[key].reports, causes[key].texts = append(causes[key].reports, f), append(causes[key].texts, text)
	}
	var lines []string
	for _, key := range order {
		c := causes[key]
		if len(c.reports) <= many {
			lines = append(lines, c.texts...)
			continue
		}
		lines = append(lines, summary(c.reports))
	}
	m.text, m.id = strings.Join(lines, "\n"), hex.EncodeToString(ids.Sum(nil)[:16])
	return m, nil
}

// summary tells many reports of one cause.
func summary(all []Fields) string {
	var tasks []string
	for _, f := range all {
		if !slices.Contains(tasks, f.Task) {
			tasks = append(tasks, f.Task)
		}
	}
	who := strings.Join(tasks[:min(len(tasks), named)], ", ")
	if more := len(tasks) - named; more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	first := all[0]
	count := fmt.Sprintf("%d tasks", len(tasks))
	if len(tasks) == 1 {
		count = fmt.Sprintf("%d branches of a task", len(all))
	}
	switch poller.Change(first.Change) {
	case poller.Erred:
		return fmt.Sprintf("%s could not be run: %s (%s)", count, first.Reason, who)
	case poller.Failed, poller.GaveUp:
		what := " failed: "
		if first.Change == string(poller.GaveUp) {
			what = " failed and will not be tried again: "
		}
		if first.Action != "" {
			what += first.Action + ": "
		}
		return fmt.Sprintf("%s%s%s (%s)", count, what, first.Reason, who)
	case poller.Recovered:
		return fmt.Sprintf("%s succeed again (%s)", count, who)
	case poller.Late:
		return fmt.Sprintf("%s have heads that should have been applied for long (%s)", count, who)
	case poller.CaughtUp:
		return fmt.Sprintf("%s are applied as they should be again (%s)", count, who)
	case poller.Unwatchable:
		return fmt.Sprintf("%s are no longer watched in part (%s)", count, who)
	case poller.Begun:
		return fmt.Sprintf("%s have started (%s)", count, who)
	}
	return fmt.Sprintf("%s succeeded (%s)", count, who)
}
