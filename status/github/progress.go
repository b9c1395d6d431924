package github

import (
	"context"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

const (
	firstPause  = 10 * time.Second // between updates in the first minute; then twice, four times that …
	firstOnes   = 6                // updates in that minute
	longestWait = 5 * time.Minute
)

// pauseAfter is the pause after so many updates.
func pauseAfter(n int) time.Duration {
	if n < firstOnes {
		return firstPause
	}
	return min(longestWait, firstPause<<min(n-firstOnes+1, 10))
}

// progress shows on check runs how far their runs have come. It is the least of what is asked of GitHub.
type progress struct {
	mu   sync.Mutex
	runs map[string]*shown // by run
	wake chan struct{}     // of one
}

// shown is a check run in progress.
type shown struct {
	run poller.Run
	id  int64
	to  *app.Repository
	due time.Time
	n   int // updates that were due

	changing sync.Mutex // while it is being changed
	ended    context.Context
	end      context.CancelFunc
	last     string // that it was told
}

func (p *progress) begin(run poller.Run, id int64, to *app.Repository) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wake == nil { // nobody shows any
		return
	}
	one := &shown{run: run, id: id, to: to, due: time.Now().Add(firstPause)}
	one.ended, one.end = context.WithCancel(context.Background()) //nolint:forbidigo // it ends with the run, which outlives what reports it
	p.runs[run.ID] = one
	p.poke()
}

func (p *progress) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end has nothing change the check run of a run any more, when it returns.
func (p *progress) end(run string) {
	p.mu.Lock()
	one := p.runs[run]
	delete(p.runs, run)
	p.mu.Unlock()
	if one == nil {
		return
	}
	one.end()
	one.changing.Lock()
	defer one.changing.Unlock() // what was under way has ended
}

// Run shows on check runs how far their runs have come, and reads back how they ended, until ctx is done.
func (g *Reporter) Run(ctx context.Context) {
	p := &g.progress
	p.mu.Lock()
	p.runs, p.wake = map[string]*shown{}, make(chan struct{}, 1)
	p.mu.Unlock()
	var updating sync.WaitGroup
	defer updating.Wait()
	updating.Go(func() { g.readBack(ctx) })
	for {
		due, next := p.due(time.Now())
		for _, one := range due {
			updating.Go(func() { g.update(ctx, one) })
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-timer:
		}
	}
}

// due are those that should be updated now, and when the next one is; zero for never.
func (p *progress) due(now time.Time) (due []*shown, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.runs {
		if !one.due.After(now) {
			due = append(due, one)
			one.n++
			one.due = now.Add(pauseAfter(one.n))
		}
		if next.IsZero() || one.due.Before(next) {
			next = one.due
		}
	}
	return due, next
}

// update shows what has changed. That it does not arrive matters to nobody.
func (g *Reporter) update(ctx context.Context, one *shown) {
	if !one.changing.TryLock() {
		return // the last one takes long
	}
	defer one.changing.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(one.ended, cancel)()
	seen := g.records().of(one.run.ID)
	run := one.run
	if n := len(seen.actions); n > 0 {
		run.Action = seen.actions[n-1].name
	}
	out := g.output(ctx, run, seen, nil, one.to)
	said := out.Title + out.Summary + out.Text
	if said != one.last && one.ended.Err() == nil && one.to.ProgressCheck(ctx, one.id, out) == nil {
		one.last = said
	}
}
