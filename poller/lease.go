package poller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/lease"
)

// StartGuard starts a process that ends what a run has started at a time of the
// boot clock, whatever becomes of the agent.
type StartGuard func(runID string, until time.Duration) (*actions.Guard, error)

// promptTakeovers is how often a revision is tried again at once after its
// instance was lost. One that takes instances down waits like any other then.
const promptTakeovers = 3

// memory is that of a task, with what this agent knows of the lease on it.
func (p *Poller) memory(key string) memory {
	return p.memoryOf(key, p.Members != nil && p.Members.Documents.Owns(key))
}

// memoryOf is a memory that all instances have in common, or that is this one's own: two documents, with a lease on each.
func (p *Poller) memoryOf(key string, own bool) memory {
	m := newMemory(p.Store, key)
	if p.instance == nil {
		return m
	}
	m.Hold = p.instance.Hold(key)
	if p.Members != nil {
		m.Store = p.Members.Documents.As(own)
	}
	if own {
		m.Hold = p.instance.Hold(key + "\x00" + p.instance.Owner.Name)
	}
	return m
}

// Join makes this agent one of those that share the store. Call it before Run or Once.
func (p *Poller) Join(in *lease.Instance) {
	p.instance, in.Lied = in, p.fail
}

// stoppable returns a context that fail ends.
func (p *Poller) stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.ending.Lock()
	defer p.ending.Unlock()
	p.stop = cancel
	if p.fatal != nil {
		cancel()
	}
	return ctx, cancel
}

// fail ends everything: the store cannot be trusted.
func (p *Poller) fail(err error) {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.fatal == nil {
		p.fatal = err
		if p.stop != nil {
			p.stop()
		}
	}
}

func (p *Poller) failed() error {
	p.ending.Lock()
	defer p.ending.Unlock()
	return p.fatal
}

// tenancy takes the lease on a memory and keeps it until release is called. The
// context ends with the lease; told hears until when it goes. With a store of its own
// it does nothing.
func (p *Poller) tenancy(ctx context.Context, m *memory, told func(until time.Duration)) (leased context.Context, release func(), err error) {
	if m.Hold == nil {
		return ctx, func() {}, nil
	}
	if err := m.Acquire(ctx); err != nil {
		return nil, nil, err
	}
	leased, stop := m.Bound(ctx, told)
	// The actions of an agent that ends have time to end, too.
	keeping, end := context.WithCancel(context.WithoutCancel(ctx))
	beside := m.Beside()
	var kept sync.WaitGroup
	kept.Go(func() {
		if err := bug.Catch(func() error { return beside.Keep(keeping) }); err != nil && !isLost(err) {
			p.tell(Event{Kind: Troubled, Task: m.Key, Err: err})
		}
	})
	return leased, func() {
		stop()
		end()
		kept.Wait()
		if err := m.Release(ctx); err != nil { // then it ends by itself
			p.tell(Event{Kind: Troubled, Task: m.Key, Err: fmt.Errorf("give the lease back: %w", err)})
		}
	}, nil
}

// owning calls f while a memory is this agent's, with a context that ends with that.
func (p *Poller) owning(ctx context.Context, m *memory, f func(context.Context) error) error {
	leased, release, err := p.tenancy(ctx, m, func(time.Duration) {})
	if err != nil {
		return err
	}
	defer release()
	return f(leased)
}

// unlessHeld leaves it to the instance that has the lease.
func unlessHeld(err error) error {
	var held *lease.HeldError
	if errors.As(err, &held) || isLost(err) {
		return nil
	}
	return err
}

func isLost(err error) bool {
	var lost *lease.LostError
	return errors.As(err, &lost)
}

// acquireLease takes the lease for a run, and closes the one that its last owner left
// open. Where another instance has it, it returns nothing.
func (w *watch) acquireLease(ctx context.Context, todo []git.Revision) (_ context.Context, release func(), _ error) {
	before := w.mem.State.Lease
	leased, give, err := w.p.tenancy(ctx, &w.mem, w.extendGuard)
	if err != nil {
		var held *lease.HeldError
		if errors.As(err, &held) {
			w.waitFor(held, todo)
			return nil, nil, nil
		}
		return nil, nil, err
	}
	if w.task.FinishUnleased {
		leased = ctx
	}
	if w.mem.Hold == nil {
		return leased, give, nil
	}
	w.leased = true
	err = w.closeCutOff(ctx, before.Owner)
	w.outbox.kick(ctx, &w.mem)
	if err != nil {
		w.leased = false
		give()
		return nil, nil, err
	}
	return leased, func() { w.leased = false; give() }, nil
}

// visit is a look at a memory that is not this agent's: it changes nothing, notes
// whether there is something to change, and tells whether to leave all else to the look
// that follows with the lease, or to who has it.
func (w *watch) visit(ctx context.Context, state State, v *verdict) (leave bool) {
	w.owes = v.changed || w.once || state.unfinished()
	w.setWaits(false)
	var held *lease.HeldError
	if !errors.As(w.mem.Held(), &held) {
		w.outbox.kick(ctx, &w.mem) // of an instance that is gone
		return w.owes || len(v.todo) > 0
	}
	waiting := v.todo
	for _, rev := range v.paused {
		if state.Refs[rev.Ref].unfinished() {
			waiting = append(waiting, rev)
		}
	}
	if w.owes || len(waiting) > 0 || len(state.Unreported) > 0 {
		w.waitFor(held, waiting)
	}
	v.todo, w.owes = nil, false
	return true
}

// waitFor looks again when a lease of another instance ends, unless it is renewed.
func (w *watch) waitFor(held *lease.HeldError, todo []git.Revision) {
	left := max(held.Left(), 0)
	at := time.Now().Add(left)
	for _, rev := range todo {
		w.say(rev, held.Reason(), at)
	}
	if w.p.Members != nil {
		w.setWaits(true) // the end of the lease is seen in the next listing after it
		return
	}
	if again := at.Add(rand.N(left/10 + time.Second)); again.Before(w.due) {
		w.due = again
	}
}

// setWaits notes whether the end of another's lease is waited for.
func (w *watch) setWaits(waits bool) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.shared.waits = waits
}

// startGuard starts the guard of a run under a lease.
func (w *watch) startGuard(leased context.Context, run Run) (done func(), err error) {
	if w.mem.Hold == nil || w.p.Guard == nil || w.task.FinishUnleased {
		return func() {}, nil
	}
	until, err := w.mem.Until()
	if err != nil {
		return nil, err
	}
	guard, err := w.p.Guard(run.ID, until)
	if err != nil {
		return nil, err
	}
	w.guarded = run.ID
	w.acting.Store(nil)
	w.guard.Store(guard)
	if until, err := w.mem.Until(); err == nil { // it may have been renewed meanwhile
		guard.Extend(w.earlier(until))
	}
	told := context.AfterFunc(leased, func() { w.guard.Load().Stopping() }) // the agent lives, and ends the actions
	return func() {
		told()
		w.guard.Swap(nil).Done()
	}, nil
}

// extendGuard says that the lease was renewed. Where somebody has ended the guard
// it starts another.
func (w *watch) extendGuard(until time.Duration) {
	until = w.earlier(until)
	for _, lane := range w.openLanes() {
		lane.extendGuard(until)
	}
	guard := w.guard.Load()
	if !guard.Gone() {
		guard.Extend(until)
		return
	}
	next, err := w.p.Guard(w.guarded, until)
	if err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
		return
	}
	if group := w.acting.Load(); group != nil {
		next.Watch(*group)
	}
	if !w.guard.CompareAndSwap(guard, next) {
		next.Done() // the run has ended
	}
}

// orLost says why a run under a lease did not succeed: an action whose guard has
// ended it has not failed.
func (w *watch) orLost(ended error) error {
	if ended == nil || w.mem.Hold == nil || w.task.FinishUnleased {
		return ended
	}
	if _, err := w.mem.Until(); err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	return ended
}

// unleased plans the next try after a lease that could not be taken.
func (w *watch) unleased(err error) error {
	if err == nil {
		return nil
	}
	w.tell(Event{Kind: Troubled, Err: err})
	w.failures++
	w.due = time.Now().Add(backoff(w.task.Interval, w.failures))
	return told(fmt.Errorf("%s: %w", w.task.Name, err))
}
