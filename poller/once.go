package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
)

// Once looks at the tasks that are due, or at all of them, runs what is new,
// and returns the errors of looks and runs, each naming its task. It waits at
// most 30 seconds for reports to arrive.
func (p *Poller) Once(ctx context.Context, all bool) error {
	ctx, cancel := p.stoppable(ctx)
	defer cancel()
	var running, reporting sync.WaitGroup
	defer func() { p.sweepNow(ctx) }()
	defer reporting.Wait()
	if err := p.prepare(ctx, &reporting); err != nil {
		return err
	}
	p.mu.Lock()
	tasks := p.tasks // those of now: Set may be called at any time
	p.mu.Unlock()
	errs, watches := make([]error, len(tasks)), make([]*watch, len(tasks))
	foreign := make([]bool, len(tasks))
	for i, task := range tasks {
		watches[i] = p.newWatch(task)
		watches[i].once, foreign[i] = true, watches[i].foreign()
	}
	p.decoded = nil
	for _, others := range []bool{false, true} { // what they have not polled by then, this one does
		for i, w := range watches {
			if foreign[i] != others {
				continue
			}
			running.Go(func() {
				errs[i] = bug.Catch(func() error { return w.lookOnce(ctx, all) })
			})
		}
		running.Wait()
	}
	p.tellIdle(watches)
	for _, w := range watches {
		reporting.Go(w.outbox.idle.Wait)
	}
	defer time.AfterFunc(reportOnce-reportFarewell, cancel).Stop()
	reporting.Wait()
	return errors.Join(append(errs, p.failed())...)
}

// tellIdle names a few tasks that had nothing new; many are counted.
func (p *Poller) tellIdle(watches []*watch) {
	idle := slices.DeleteFunc(slices.Clone(watches), func(w *watch) bool { return len(w.idle) == 0 })
	if len(idle) > maxNamed {
		p.tell(Event{Kind: Skipped, Reason: nothingNew, Count: len(idle)})
		return
	}
	for _, w := range idle {
		run := Run{Task: w.task.Name}
		if len(w.idle) == 1 {
			run.Revision = w.idle[0]
		}
		w.tell(Event{Kind: Skipped, Run: run, Reason: nothingNew})
	}
}

// lookOnce is the whole life of a watch under --poll-once.
func (w *watch) lookOnce(ctx context.Context, all bool) error {
	w.awaitEndings(ctx)
	if err := errors.Join(w.inherit(ctx), told(w.recover(ctx))); err != nil {
		return fmt.Errorf("%s: %w", w.task.Name, err)
	}
	state, err := w.mem.Load(ctx) // as it is now: another instance may have polled it
	if err != nil {
		return fmt.Errorf("%s: %w", w.task.Name, err)
	}
	if w.p.Afresh {
		if err := w.afresh(ctx); err != nil {
			return fmt.Errorf("%s: %w", w.task.Name, err)
		}
	}
	if !all && !w.p.Afresh && state.URL == w.task.URL && ahead(state.NextPoll, time.Now(), max(w.task.Interval, maxPause)) {
		w.tell(Event{Kind: Skipped, Reason: "not due yet", Next: state.NextPoll})
		return nil
	}
	return errors.Join(w.turn(ctx)...)
}
