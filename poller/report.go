package poller

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
)

// Report is what somebody outside must hear of a run: that it has started, or
// how it ended. It stays in the state until the Reporter has taken it.
type Report struct {
	Run Run    `yaml:"run"`
	URL string `yaml:"url"` // of the repository, as it was then
	To  string `yaml:"to"`  // the task's ReportTo, as it was then
}

// Reporter delivers a report. It returns nil when the other side has taken it,
// or has refused it for good; after an error it is called again, at most 30
// seconds later. It is called by one goroutine per task, in the order of the
// task's events, and by those of several tasks at the same time.
type Reporter func(ctx context.Context, r Report) error

const (
	reportWait     = 1                // second before a failed report is tried again, doubled
	maxReportWait  = 30               // seconds
	reportFarewell = 5 * time.Second  // for the last reports when kitops ends
	reportOnce     = 30 * time.Second // for all reports of a --poll-once
)

// outbox brings a task's reports out of the state, in order. Its goroutine
// lives only while there is something to deliver.
type outbox struct {
	w    *watch
	mu   sync.Mutex
	busy bool // a goroutine delivers
	more bool // it must look at the state again
	idle sync.WaitGroup
}

// kick delivers what the state holds, unless that is being done already.
func (o *outbox) kick(ctx context.Context, state State) {
	if len(state.Unreported) == 0 || o.w.p.Report == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more = true; o.busy {
		return
	}
	o.busy = true
	o.idle.Go(func() { o.deliver(ctx) })
}

// again tells the delivering goroutine whether to go on.
func (o *outbox) again() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy, o.more = o.more, false
	return o.busy
}

// deliver empties the outbox. When ctx ends it has a little time left, so that
// the runs that ended with kitops are told of; the rest is for the next agent.
func (o *outbox) deliver(ctx context.Context) {
	ctx, cancel := lingering(ctx, reportFarewell)
	defer cancel()
	ctx, cancel = until(ctx, o.w.p.Kill)
	defer cancel()
	mem := memory{store: o.w.mem.store, key: o.w.mem.key} // the watch's own is not for two
	for o.again() {
		if err := bug.Catch(func() error { return o.empty(ctx, &mem) }); err != nil {
			o.w.tell(Event{Kind: Troubled, Err: err})
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (o *outbox) empty(ctx context.Context, mem *memory) error {
	failures := 0
	for wait := o.w.p.seconds(reportWait); ; {
		state, err := mem.load(ctx)
		if err != nil || len(state.Unreported) == 0 || ctx.Err() != nil {
			return err
		}
		next := state.Unreported[0]
		next.Run.Task = mem.key
		if err := bug.Catch(func() error { return o.w.p.Report(ctx, next) }); err == nil {
			if err := mem.save(ctx, func(s State) State { return s.reported(next) }); err != nil {
				return err
			}
			wait, failures = o.w.p.seconds(reportWait), 0
			continue
		} else if ctx.Err() == nil {
			o.w.tell(Event{Kind: Unreported, Run: next.Run, Err: err, Failures: failures, Next: time.Now().Add(wait)})
			failures++
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
			wait = min(2*wait, o.w.p.seconds(maxReportWait))
		}
	}
}

// lingering returns a context that ends some time after ctx has.
func lingering(ctx context.Context, farewell time.Duration) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(farewell, cancel) })
	return after, func() { stop(); cancel() }
}

// reporting returns the state with a report added. Of one run only the last
// word counts: that it has started is old news once it has ended.
func (s State) reporting(r Report) State {
	s.Unreported = slices.DeleteFunc(slices.Clone(s.Unreported), func(old Report) bool { return old.Run.ID == r.Run.ID })
	s.Unreported = append(s.Unreported, r)
	return s
}

// reported returns the state without a report that was taken.
func (s State) reported(r Report) State {
	s.Unreported = slices.DeleteFunc(slices.Clone(s.Unreported), func(old Report) bool {
		return old.Run.ID == r.Run.ID && old.Run.Outcome == r.Run.Outcome
	})
	return s
}

// started adds what the world hears of a run that starts: only of the first
// try at a revision, since a final state is not taken back.
func (t Task) started(s State, run Run) State {
	s.ReportTo = t.ReportTo
	if t.ReportTo == "" || run.Attempt > 1 || t.Brings && run.Action == "" {
		return s
	}
	return s.reporting(Report{Run: run, URL: t.URL, To: t.ReportTo})
}

// ended adds what the world hears of a run that has ended, unless that is
// what it has heard of the revision before.
func (t Task) ended(s State, run Run) State {
	said := string(run.Outcome) + " " + run.Action
	heard := s.Refs[run.Revision.Ref].Reported
	quiet := t.Silent && run.Outcome == Success && !run.acted && heard == "" // else who heard otherwise would go on believing it
	if t.ReportTo == "" || quiet || heard == said {
		return s
	}
	s = s.with(run.Revision.Ref, func(r *RefState) { r.Reported = said })
	return s.reporting(Report{Run: run, URL: t.URL, To: t.ReportTo})
}
