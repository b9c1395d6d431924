package poller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// Poller runs tasks. Its exported fields are set before Run or Once is
// called, of which one is called once; Set and Nudge may be called by anyone
// at any time.
type Poller struct {
	Store        store.Store
	Guard        StartGuard         // of runs under a lease; may be nil
	RepoDir      string             // of this agent alone; workdirs are made below it
	Abandoned    []string           // directories like RepoDir of agents that are gone, to be swept
	Parallel     int                // runs at the same time
	Environ      []string           // the agent's own environment, from which the actions' is made
	User         *actions.User      // whom actions run as; nil is the agent's user
	Untrusted    *actions.User      // whom those of strangers run as, one run at a time; all else that runs as that user is ended, unless it is User
	Processes    *actions.Processes // where actions are registered; may be nil
	Parks        store.Store        // of this host, that knows of parked workdirs; nil: the memories of their tasks do
	KeepWorkdirs int64              // bytes of workdirs that are parked, 0: none
	Afresh       bool               // Once runs again what has run, also where it is not due
	Grace        time.Duration      // between SIGTERM and SIGKILL; 0: as actions have it
	Kill         <-chan struct{}    // closed: running actions get no grace
	Observers    []Observer
	Report       Reporter          // of tasks with a ReportTo, also of those that are gone; may be nil
	Members      *members.Registry // of the store, where instances share it and its tasks; nil: this one polls all tasks
	Second       time.Duration     // what pauses of seconds are counted in; a second when 0

	mu       sync.Mutex
	watches  map[string]*watch        // by task name
	tasks    []Task                   // what Set wants
	changed  chan struct{}            // of one: tasks is another than what watches are
	applied  bool                     // watches are what Set wanted at least once
	early    []Nudge                  // that came before
	reserved map[string]chan struct{} // names that no task may begin with until they are closed
	lost     []error                  // outcomes that kitops ended without saving

	instance *lease.Instance // this agent among those that share the store; nil: the store is its own

	ending sync.Mutex
	fatal  error              // why nothing may go on; guarded by ending, as stop is
	stop   context.CancelFunc // ends all that goes on

	states  map[string]State  // what Load found, until Run or Once has seen it
	decoded map[string]memory // the same, until the first watches have theirs of it
	slots   *slots
	groups  groups

	foreigners foreigners

	drain     drain
	gate      hostGate
	leftovers leftovers
	parks     parks
	preparer  preparer
	endings   []ending

	running    atomic.Int64 // slots that are taken
	unreported atomic.Int64 // reports that have yet to arrive
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
	if p.Members != nil { // a damaged one is the trouble of who watches it
		all, err := p.recallAll(ctx)
		if err == nil {
			p.states = all
		}
		return err
	}
	all, damaged, err := memories(ctx, p.Store)
	for _, why := range damaged {
		err = errors.Join(err, why)
	}
	if err == nil {
		p.states, p.decoded = statesOf(all), all
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
	p.announce(tasks)
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run watches the tasks until ctx is done, and returns when every run has
// ended. No failure of a task ends it. An error at the end names the outcomes
// that could not be saved.
func (p *Poller) Run(ctx context.Context) error {
	ctx, cancel := p.stoppable(ctx)
	defer cancel()
	var running sync.WaitGroup
	if err := p.prepare(ctx, &running); err != nil {
		running.Wait()
		return err
	}
	if p.Members != nil {
		running.Go(func() { p.followMembers(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			running.Wait()
			p.preparer.done.Wait()
			p.sweepNow(ctx)
			p.mu.Lock()
			defer p.mu.Unlock()
			return errors.Join(append(p.lost, p.failed())...)
		case <-p.changed:
			p.apply(ctx, &running)
		}
	}
}

// prepare checks the memory, closes the runs of tasks that are no longer
// configured and sweeps what an earlier agent left.
func (p *Poller) prepare(ctx context.Context, running *sync.WaitGroup) error {
	p.slots, p.foreigners.turn = newSlots(max(1, p.Parallel)), newSlots(1)
	if err := p.Load(ctx); err != nil {
		return err
	}
	all := p.states
	p.states = nil
	if err := errors.Join(p.findLeftovers(pendingRuns(all)), p.findKept(all), p.findBooked(ctx), p.findParked(all)); err != nil {
		return err
	}
	for key, state := range all {
		if !p.wants(key) && (p.instance == nil || p.instance.Succeeds(state.Lease)) {
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
		mem: p.memoryOf(task.Name, task.Each),
		nudges: nudges{
			limit: rate.NewLimiter(rate.Every(nudgeInterval), nudgeBurst), soon: rate.NewLimiter(rate.Every(soonInterval), nudgeBurst),
		},
	}
	if m, ok := p.decoded[task.Name]; ok {
		w.mem.State, w.mem.Version = m.State, m.Version
	}
	w.outbox = &outbox{w: w}
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
			w.parted = p.reserved[task.Name]
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
	p.applied, p.early, p.decoded = true, nil, nil
}
