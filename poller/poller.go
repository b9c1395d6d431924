package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store"
)

// Poller runs tasks. Its exported fields are set before Run or Once is
// called, of which one is called once; Set and Nudge may be called by anyone
// at any time.
type Poller struct {
	Store        store.Store
	RepoDir      string             // of this agent alone; workdirs are made below it
	Abandoned    []string           // directories like RepoDir of agents that are gone, to be swept
	Parallel     int                // runs at the same time
	Environ      []string           // the agent's own environment, from which the actions' is made
	User         *actions.User      // whom actions run as; nil is the agent's user
	Processes    *actions.Processes // where actions are registered; may be nil
	KeepWorkdirs int64              // bytes of workdirs that are parked, 0: none
	Kill         <-chan struct{}    // closed: running actions get no grace
	Observers    []Observer
	Report       Reporter      // of tasks with a ReportTo, also of those that are gone; may be nil
	Second       time.Duration // what pauses of seconds are counted in; a second when 0

	mu      sync.Mutex
	watches map[string]*watch // by task name
	tasks   []Task            // what Set wants
	changed chan struct{}     // of one: tasks is another than what watches are
	applied bool              // watches are what Set wanted at least once
	early   []Nudge           // that came before
	lost    []error           // outcomes that kitops ended without saving

	states    map[string]State // what Load found, until Run or Once has seen it
	slots     *semaphore.Weighted
	gate      hostGate
	leftovers leftovers
	parks     parks
	endings   []ending
}

// New returns a poller with no tasks.
func New() *Poller {
	return &Poller{watches: map[string]*watch{}, changed: make(chan struct{}, 1)}
}

// Load reads the memory of every task, so that a damaged one is found before
// anything runs. Run and Once do so unless it was called before them.
func (p *Poller) Load(ctx context.Context) error {
	if p.states != nil {
		return nil
	}
	all, err := states(ctx, p.Store)
	if err == nil {
		p.states = all
	}
	return err
}

// Set replaces the tasks. Tasks whose digest is the same are not disturbed; a
// changed one finishes its run first and then looks at once; one that is gone
// finishes its run and stops.
func (p *Poller) Set(tasks []Task) {
	p.mu.Lock()
	p.tasks = tasks
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run watches the tasks until ctx is done, and returns when every run has
// ended. No failure of a task ends it. An error at the end names the outcomes
// that could not be saved.
func (p *Poller) Run(ctx context.Context) error {
	var running sync.WaitGroup
	if err := p.prepare(ctx, &running); err != nil {
		running.Wait()
		return err
	}
	for {
		select {
		case <-ctx.Done():
			running.Wait()
			p.sweepNow(ctx)
			p.mu.Lock()
			defer p.mu.Unlock()
			return errors.Join(p.lost...)
		case <-p.changed:
			p.apply(ctx, &running)
		}
	}
}

// Once looks at the tasks that are due, or at all of them, runs what is new,
// and returns the errors of looks and runs, each naming its task. It waits at
// most 30 seconds for reports to arrive.
func (p *Poller) Once(ctx context.Context, all bool) error {
	ctx, cancel := context.WithCancel(ctx)
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
	for i, task := range tasks {
		w := p.newWatch(task)
		w.once, watches[i] = true, w
		running.Go(func() {
			errs[i] = bug.Catch(func() error { return w.lookOnce(ctx, all) })
		})
	}
	running.Wait()
	p.tellIdle(watches)
	for _, w := range watches {
		reporting.Go(w.outbox.idle.Wait)
	}
	defer time.AfterFunc(reportOnce-reportFarewell, cancel).Stop()
	reporting.Wait()
	return errors.Join(errs...)
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

// prepare checks the memory, closes the runs of tasks that are no longer
// configured and sweeps what an earlier agent left.
func (p *Poller) prepare(ctx context.Context, running *sync.WaitGroup) error {
	p.slots = semaphore.NewWeighted(int64(max(1, p.Parallel)))
	if err := p.Load(ctx); err != nil {
		return err
	}
	all := p.states
	p.states = nil
	if err := errors.Join(p.findLeftovers(pendingRuns(all)), p.findKept(all), p.findParked(all)); err != nil {
		return err
	}
	for key, state := range all {
		if !p.wants(key) {
			p.endOrphan(ctx, key, state, running)
		}
	}
	p.sweepSoon(ctx)
	return nil
}

func (p *Poller) wants(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.tasks, func(t Task) bool { return t.Name == name || t.Formerly == name })
}

// tell lets the observers know. They can hold up nothing: that one of them panics
// the others hear.
func (p *Poller) tell(e Event) {
	for _, observe := range p.Observers {
		err := bug.Catch(func() error { observe(e); return nil })
		if err != nil && e.Kind != Troubled {
			p.tell(Event{Kind: Troubled, Task: e.Task, Err: err})
		}
	}
}

func (p *Poller) newWatch(task Task) *watch {
	w := &watch{
		p: p, task: task, took: make(chan struct{}), wake: make(chan struct{}, 1), ended: make(chan struct{}),
		mem: memory{store: p.Store, key: task.Name},
		nudges: nudges{
			limit: rate.NewLimiter(rate.Every(nudgeInterval), nudgeBurst), soon: rate.NewLimiter(rate.Every(soonInterval), nudgeBurst),
		},
	}
	w.outbox.w = w
	return w
}

// apply makes the watches what Set wants them to be.
func (p *Poller) apply(ctx context.Context, running *sync.WaitGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted, inherited := make(map[string]bool, len(p.tasks)), map[string]bool{}
	for _, task := range p.tasks {
		wanted[task.Name], inherited[task.Formerly] = true, true
	}
	var delay time.Duration
	starting := len(p.tasks) - len(p.watches)
	for _, task := range p.tasks {
		w := p.watches[task.Name]
		switch {
		case w == nil:
			w = p.newWatch(task)
			switch former := p.watches[task.Formerly]; {
			case former == nil:
			case wanted[task.Formerly]:
				former.heir = w
			default:
				w.after = former.ended
			}
			p.watches[task.Name] = w
			pause := min(delay, task.Interval)
			running.Go(func() { w.loop(ctx, pause) })
			delay += spread(task.Interval, starting)
		case w.removed || w.current().Digest != task.Digest:
			if w.removed { // who waits for its end need not
				close(w.ended)
				w.ended = make(chan struct{})
			}
			w.removed, w.deleted, w.next = false, false, &task
			w.poke()
		}
	}
	for name, w := range p.watches {
		if !wanted[name] {
			w.removed, w.inherited = true, inherited[name]
			w.poke()
		}
	}
	for _, n := range p.early {
		p.nudgeWatches(n)
	}
	p.applied, p.early = true, nil
}

// lookOnce is the whole life of a watch under --poll-once.
func (w *watch) lookOnce(ctx context.Context, all bool) error {
	w.awaitEndings(ctx)
	if err := errors.Join(w.inherit(ctx), told(w.recover(ctx))); err != nil {
		return fmt.Errorf("%s: %w", w.task.Name, err)
	}
	state, err := w.mem.load(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", w.task.Name, err)
	}
	if !all && state.URL == w.task.URL && ahead(state.NextPoll, time.Now(), max(w.task.Interval, maxPause)) {
		w.tell(Event{Kind: Skipped, Reason: "not due yet", Next: state.NextPoll})
		return nil
	}
	return errors.Join(w.turn(ctx)...)
}
