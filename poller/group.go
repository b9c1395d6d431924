package poller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/lease"
)

// groups keep the tasks of a group apart: one of them runs at a time.
type groups struct {
	mu  sync.Mutex
	all map[string]*group
}

// group is one of this agent.
type group struct {
	turn *slots // of one
	by   string // the task that has it; guarded by groups.mu
}

func (g *groups) of(name string) *group {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all[name] == nil {
		if g.all == nil {
			g.all = map[string]*group{}
		}
		g.all[name] = &group{turn: newSlots(1)}
	}
	return g.all[name]
}

func (g *groups) holder(of *group) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return of.by
}

func (g *groups) hold(of *group, by string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	of.by = by
}

// GroupPrefix begins the names of the documents of groups. No task has such a name.
const GroupPrefix = "group:"

// enterGroup waits until no other task of the group runs, on other instances either. The context ends when
// the group is another's. It tells whether it had to wait.
func (w *watch) enterGroup(ctx context.Context, rank int, rev git.Revision) (within context.Context, leave func(), waited bool, err error) {
	name := w.task.Rules.Group
	if name == "" {
		return ctx, func() {}, false, nil
	}
	g := w.p.groups.of(name)
	if waited = !g.turn.try(w.mem.Key); waited {
		w.expect(time.Time{})
		why := waitsForGroup(name, w.p.groups.holder(g))
		w.setWaiting(why)
		stop := w.reportQueued(ctx, rev, why)
		err := g.turn.acquire(ctx, w.mem.Key, rank)
		stop()
		w.setWaiting("")
		if err != nil {
			return nil, nil, true, fmt.Errorf("%s: interrupted: %w", w.task.Name, err)
		}
	}
	w.p.groups.hold(g, w.mem.Key)
	release := func() { w.p.groups.hold(g, ""); g.turn.release(w.mem.Key) }
	within, give, late, err := w.leaseGroup(ctx, name, rev)
	if err != nil {
		release()
		return nil, nil, true, err
	}
	return within, func() { give(); release() }, waited || late, nil
}

func waitsForGroup(name, by string) string {
	if by == "" {
		return "waits for group " + name
	}
	return "waits for group " + name + ", held by " + by
}

// leaseGroup waits for the lease on a group, where instances share the store.
func (w *watch) leaseGroup(ctx context.Context, name string, rev git.Revision) (within context.Context, give func(), waited bool, err error) {
	if w.p.instance == nil {
		return ctx, func() {}, false, nil
	}
	m := newMemory(w.p.Store, GroupPrefix+name)
	m.Hold = w.p.instance.Hold(m.Key)
	stop := func() {}
	defer func() { stop() }()
	for {
		within, give, err = w.p.tenancy(ctx, &m, w.extendGroup)
		var held *lease.HeldError
		if !errors.As(err, &held) {
			break
		}
		why := waitsForGroup(name, m.State.Holder+" on "+held.Lease.Owner.Name)
		w.expect(time.Time{})
		w.setWaiting(why)
		if !waited {
			waited, stop = true, w.reportQueued(ctx, rev, why)
		}
		again := min(max(held.Left(), time.Second), w.p.instance.Terms.TTL/6) + rand.N(time.Second)
		select {
		case <-time.After(again):
		case <-ctx.Done():
			w.setWaiting("")
			return nil, nil, true, fmt.Errorf("%s: interrupted: %w", w.task.Name, ctx.Err())
		}
	}
	w.setWaiting("")
	if err != nil {
		return nil, nil, waited, fmt.Errorf("group %s: %w", name, err)
	}
	err = m.Save(ctx, func(s State) State { s.Holder = w.mem.Key; return s })
	if err != nil {
		give()
		return nil, nil, waited, fmt.Errorf("group %s: %w", name, err)
	}
	back := give
	leave := func() { back(); w.groupUntil.Store(0) }
	if w.task.FinishUnleased {
		within = ctx
	}
	return within, leave, waited, nil
}

// extendGroup says that the lease on the group was renewed: the guard of the run ends its actions with that, too.
func (w *watch) extendGroup(until time.Duration) {
	w.groupUntil.Store(int64(until))
	w.extendGuard(time.Duration(w.leaseUntil.Load()))
}

// earlier is the end of the leases on the task and on its group.
func (w *watch) earlier(until time.Duration) time.Duration {
	w.leaseUntil.Store(int64(until))
	if group := time.Duration(w.groupUntil.Load()); group > 0 {
		return min(group, until)
	}
	return until
}

// joined is a context that ends with either.
func joined(ctx, other context.Context) (context.Context, context.CancelFunc) {
	if ctx == other {
		return ctx, func() {}
	}
	both, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return both, func() { stop(); cancel(context.Canceled) }
}
