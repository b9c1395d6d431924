package poller

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

// lanes are the runs of a task that go on beside its watch, which goes on looking
// meanwhile: where several refs run at once, or a newer head cancels a run.
// They have one lease together.
type lanes struct {
	all   map[string]*watch // by ref; guarded by p.mu
	ended []laneEnd         // that the watch has yet to hear of; guarded by p.mu

	leased  context.Context // of the lease; nil: the watch has none for them
	release func()
}

// laneEnd is what has become of a lane.
type laneEnd struct {
	ref     string
	served  int
	stalled time.Time
	err     error
}

// beside tells whether the runs of a task go on beside its watch.
func (r Rules) beside() bool { return r.Parallel > 1 || r.CancelOnPush }

// followBeside is follow for runs that go on beside the watch: it starts as many as may be.
func (w *watch) followBeside(ctx context.Context) (again bool, err error) {
	err = w.collectEnded()
	todo, looked := w.look(ctx)
	return w.startBeside(ctx, todo, errors.Join(err, looked))
}

// startBeside starts what is to run.
func (w *watch) startBeside(ctx context.Context, todo []git.Revision, err error) (again bool, _ error) {
	defer w.endTenure()
	w.overtake()
	switch {
	case len(todo) == 0 && !w.owes:
		w.evictOld(ctx)
		return false, err
	case w.spared(), ctx.Err() != nil:
		return false, err
	case time.Now().Before(w.stalled):
		w.due = w.stalled
		return false, err
	}
	if w.mem.Hold != nil && w.lanes.leased == nil {
		leased, release, leaseErr := w.acquireLease(ctx, todo)
		if leaseErr != nil || leased == nil {
			return false, errors.Join(err, w.unleased(leaseErr))
		}
		w.lanes.leased, w.lanes.release = leased, release
		var looked error
		if todo, looked = w.look(ctx); len(todo) == 0 {
			return false, errors.Join(err, looked)
		}
	}
	for _, rev := range todo {
		if w.task.Versions != nil && rev.IsTag() && w.runsVersion() {
			continue // the next one takes over its memory
		}
		if !w.openLane(ctx, rev) {
			break
		}
	}
	return false, err
}

// endTenure gives the lease of the lanes back when none of them goes on.
func (w *watch) endTenure() {
	if w.lanes.leased != nil && len(w.openLanes()) == 0 {
		w.lanes.release()
		w.lanes.leased, w.lanes.release = nil, nil
	}
}

// hasLanes tells whether something runs beside the watch, or did and the watch has yet to hear how it ended.
func (w *watch) hasLanes() bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return len(w.lanes.all)+len(w.lanes.ended) > 0
}

// openLanes are the runs beside this watch, by ref.
func (w *watch) openLanes() map[string]*watch {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return maps.Clone(w.lanes.all)
}

// closeLanes waits until the last of them has ended.
func (w *watch) closeLanes() {
	w.going.Wait()
	w.endTenure()
}

// awaitLane has --poll-once look again when a run beside it has ended, and tells whether one has.
func (w *watch) awaitLane(ctx context.Context) bool {
	if !w.once || len(w.openLanes()) == 0 {
		return false
	}
	select {
	case <-w.wake:
		return true
	case <-ctx.Done():
		w.closeLanes()
		return false
	}
}

// openLane starts a run beside the watch. It tells whether there may be room for another: one at
// most waits for a slot, so that what is most urgent is next.
func (w *watch) openLane(ctx context.Context, rev git.Revision) bool {
	open := w.openLanes()
	for _, lane := range open {
		if w.waitsLane(lane) {
			return false
		}
	}
	if len(open) >= max(1, w.task.Rules.Parallel) {
		return false
	}
	foreign := w.task.trust(rev).Foreign
	if foreign && !w.admitForeign(ctx) {
		return true // others may start
	}
	lane := &watch{
		p: w.p, task: w.task, once: w.once, mem: *w.mem.Beside(), outbox: w.outbox, main: w, ref: rev.Ref, sha: rev.SHA,
		strange: foreign, identity: w.identity, leased: w.leased, served: map[string]int{}, due: w.due,
	}
	lane.mem.State, lane.mem.Version = w.mem.State, w.mem.Version
	leased := ctx
	if w.lanes.leased != nil {
		leased = w.lanes.leased
	}
	if lane.slot = w.task.Rules.Group == "" && w.p.slots.try(w.mem.Key); lane.slot {
		w.p.running.Add(1)
	} else {
		lane.waiting = "waiting for a slot"
	}
	w.p.mu.Lock()
	if w.lanes.all == nil {
		w.lanes.all = map[string]*watch{}
	}
	w.lanes.all[rev.Ref] = lane
	w.p.mu.Unlock()
	free, rank := lane.slot, rankOf(w.mem.State.Refs[rev.Ref], rev)
	w.going.Go(func() { lane.carry(ctx, leased, rev, rank) })
	return free
}

// carry is the life of a lane.
func (w *watch) carry(ctx, leased context.Context, rev git.Revision, rank int) {
	err := bug.Catch(func() error { return w.carryBeside(ctx, leased, rev, rank) })
	w.releaseSlot()
	if w.strange {
		w.p.leaveForeign(w.mem.Key)
	}
	var broken *bug.Error
	if errors.As(err, &broken) {
		w.tell(Event{Kind: Troubled, Err: err})
		w.stalled = time.Now().Add(backoff(w.task.Interval, 1))
	}
	w.p.mu.Lock()
	delete(w.main.lanes.all, rev.Ref)
	w.main.lanes.ended = append(w.main.lanes.ended, laneEnd{rev.Ref, w.served[rev.Ref], w.stalled, err})
	w.p.mu.Unlock()
	w.main.poke()
}

func (w *watch) carryBeside(ctx, leased context.Context, rev git.Revision, rank int) error {
	grouped, leave, _, err := w.enterGroup(ctx, rank, rev)
	if err != nil {
		w.stalled = time.Now().Add(backoff(w.task.Interval, 1))
		return w.unleased(err)
	}
	defer leave()
	leased, apart := joined(leased, grouped)
	defer apart()
	if !w.slot {
		if _, err := w.acquireSlot(ctx, rank, rev); err != nil {
			return err
		}
		w.setWaiting("")
		w.main.poke() // for another to wait
		if w.mem.State.Refs[rev.Ref].Pinned == nil && !w.stillDue(ctx, rev) {
			return nil // a newer head is there, or a higher version
		}
	}
	if held := w.p.drain.enter(w.drainKey(), w.mem.Key); held != nil {
		w.awaitRelease(ctx, held)
		return nil
	}
	defer w.p.drain.leave(w.drainKey())
	return w.carryOut(ctx, leased, rev)
}

// runsVersion tells whether a version runs beside the watch.
func (w *watch) runsVersion() bool {
	for ref := range w.openLanes() {
		if strings.HasPrefix(ref, tagPrefix) {
			return true
		}
	}
	return false
}

// stillDue polls whether a revision is to run after it has waited. What cannot be told changes nothing.
func (w *watch) stillDue(ctx context.Context, rev git.Revision) bool {
	heads, err := w.heads(ctx)
	if errors.Is(err, git.ErrEmpty) {
		return false
	}
	state, unread := w.mem.Load(ctx)
	state.asked = w.knownRequired()
	return err != nil || unread != nil || slices.Contains(decide(w.task, state, heads, time.Now()).todo, rev)
}

// collectEnded hears of the lanes that have ended.
func (w *watch) collectEnded() error {
	w.p.mu.Lock()
	ended := w.lanes.ended
	w.lanes.ended = nil
	w.p.mu.Unlock()
	var errs []error
	for _, end := range ended {
		errs = append(errs, end.err)
		if w.served != nil {
			w.served[end.ref] = max(w.served[end.ref], end.served)
		}
		if end.stalled.After(w.stalled) {
			w.stalled = end.stalled
		}
		delete(w.told, end.ref)
	}
	return errors.Join(errs...)
}
