package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// Outside is a store that instances share, as somebody sees and changes it who is none of them.
type Outside struct {
	Documents *members.Documents
	View      members.View
	Own       []members.Own // the documents that instances have of tasks for themselves
	Instance  string        // the one whose own documents are meant; "": none
}

// each tells whether every instance runs a task for itself, and which have a memory of it.
func (o Outside) each(task string) (instances []string, each bool) {
	for _, own := range o.Own {
		if own.Task == task {
			instances = append(instances, own.Member)
		}
	}
	slices.Sort(instances)
	for _, m := range o.View.Live {
		if announced, has := m.Tasks[task]; has {
			return instances, announced.Each
		}
	}
	return instances, len(instances) > 0
}

// beside is what is known of a task beside its memory.
func (o Outside) beside(task string, s State) live {
	l := live{}
	if s.URL != "" && o.watched(task) {
		l.here, l.vitals.looked = true, true
	}
	if !s.Lease.Ended(o.View.Now) {
		l.elsewhere = s.Lease.Owner.Name
	}
	if who := o.View.Pollers(task); len(who) > 0 {
		l.polls = who[0].Owner.Name
	}
	return l
}

// watched tells whether an instance lives that has a task, or the one that is meant where each runs it for itself.
func (o Outside) watched(task string) bool {
	return slices.ContainsFunc(o.View.Live, func(m members.Member) bool {
		announced, has := m.Tasks[task]
		return has && (!announced.Each || m.Owner.Name == o.Instance)
	})
}

// Standings tells how tasks stand, in the order of their names: those that have a memory, and those that an instance has.
func (o Outside) Standings(ctx context.Context) ([]Standing, error) {
	all, damaged, err := states(ctx, o.Documents.As(false))
	if err != nil {
		return nil, err
	}
	var fleet []Standing
	for _, own := range o.Own {
		instances, each := o.each(own.Task)
		if !each {
			continue
		}
		if !slices.Contains(instances, o.Instance) {
			delete(all, own.Task)
			delete(damaged, own.Task)
			fleet = append(fleet, Standing{Task: own.Task, Refs: []RefStanding{}, Why: "each instance runs it for itself: kitops members, or --instance NAME for one of them"})
			continue
		}
		if own.Member != o.Instance {
			continue
		}
		m := newMemory(o.Documents.Of(own.Member), own.Task)
		switch state, err := m.Load(ctx); {
		case isDamaged(err):
			delete(all, own.Task)
			damaged[own.Task] = err
		case err != nil:
			return nil, err
		default:
			all[own.Task] = state
		}
	}
	maps.DeleteFunc(all, func(task string, s State) bool { return s.URL == "" && !o.watched(task) }) // no task's
	for _, m := range o.View.Live {
		for task := range m.Tasks {
			_, remembered := all[task]
			if instances, _ := o.each(task); !remembered && damaged[task] == nil && len(instances) == 0 {
				all[task] = State{}
			}
		}
	}
	fleet = append(fleet, standingsOf(all, damaged, o.beside)...)
	byTask := func(a, b Standing) int { return cmp.Compare(a.Task, b.Task) }
	slices.SortFunc(fleet, byTask)
	return slices.CompactFunc(fleet, func(a, b Standing) bool { return a.Task == b.Task }), nil
}

// Order changes what is remembered of a task. Whoever has the lease on that hears of it when he renews it.
func (o Outside) Order(ctx context.Context, task string, order Order) (why string, err error) {
	in := o.Documents.As(false)
	if instances, each := o.each(task); each {
		if !slices.Contains(instances, o.Instance) {
			return "", refuse("each instance runs it for itself: name one with --instance: %s", strings.Join(instances, ", "))
		}
		in = o.Documents.Of(o.Instance)
	}
	m := newMemory(in, task)
	return order.into(ctx, &m, o.watched(task))
}

// Membership tells who shares the store. It is whole but for memories that do not read, which the error names.
func (o Outside) Membership(ctx context.Context) (Membership, error) {
	all, damaged, err := states(ctx, o.Documents.As(false))
	if err != nil {
		return Membership{}, err
	}
	fleet := map[string]map[string]State{}
	for _, own := range o.Own {
		m := newMemory(o.Documents.Of(own.Member), own.Task)
		state, err := m.Load(ctx)
		if isDamaged(err) {
			damaged[own.Task+" on "+own.Member] = err
			continue
		}
		if err != nil {
			return Membership{}, err
		}
		if fleet[own.Task] == nil {
			fleet[own.Task] = map[string]State{}
		}
		fleet[own.Task][own.Member] = state
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(damaged)) {
		errs = append(errs, damaged[name])
	}
	return MembershipOf(o.View, all, func(task string) map[string]State { return fleet[task] }), errors.Join(errs...)
}

// Release ends the leases that an owner who is gone has, and returns the documents. In is who does
// it, as the owner's successor. One that does not read keeps its lease, and the error names it.
func (o Outside) Release(ctx context.Context, in *lease.Instance, owner lease.Owner) (released []string, err error) {
	common := o.Documents.As(false)
	keys, err := common.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	var errs []error
	release := func(m memory, name string) {
		m.Hold = in.Hold(name)
		ended, err := releaseOf(ctx, &m, owner.ID)
		if ended {
			released = append(released, name)
		}
		errs = append(errs, err)
	}
	for _, key := range keys {
		release(newMemory(common, key), key)
	}
	for _, own := range o.Own {
		if own.Member == owner.Name {
			release(newMemory(o.Documents.Of(own.Member), own.Task), own.Task+" on "+own.Member)
		}
	}
	return released, errors.Join(errs...)
}

// releaseOf ends the lease on a memory if it is an owner's.
func releaseOf(ctx context.Context, m *memory, owner string) (ended bool, err error) {
	state, err := m.Load(ctx)
	if err != nil {
		return false, err
	}
	if state.Lease.Owner.ID != owner || state.Lease.Ended(m.Now()) {
		return false, nil
	}
	if err := m.Acquire(ctx); err != nil {
		return false, fmt.Errorf("%s: %w", m.Key, err)
	}
	if err := m.Release(ctx); err != nil {
		return false, fmt.Errorf("%s: %w", m.Key, err)
	}
	return true, nil
}

// StandingsOf tells how tasks stand by what a store remembers, while no agent runs.
func StandingsOf(ctx context.Context, s store.Store) ([]Standing, error) {
	all, damaged, err := states(ctx, s)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(_ string, s State) bool { return s.URL == "" }) // no task's
	return standingsOf(all, damaged, func(string, State) live { return live{} }), nil
}

// standingsOf are those of memories, by what is known of each beside it.
func standingsOf(all map[string]State, damaged map[string]error, beside func(name string, s State) live) []Standing {
	standings := []Standing{}
	for name, state := range all {
		task := Task{Name: name, URL: state.URL, ID: state.Identity, Refs: state.Patterns}
		standings = append(standings, standing(task, state, beside(name, state), time.Now()))
	}
	for name, err := range damaged {
		standings = append(standings, damagedStanding(name, err))
	}
	slices.SortFunc(standings, func(a, b Standing) int { return cmp.Compare(a.Task, b.Task) })
	return standings
}

// damagedStanding is that of a task whose memory does not read.
func damagedStanding(name string, err error) Standing {
	why := plainly(err)
	return Standing{Task: name, Refs: []RefStanding{}, Why: "error: " + why, Damaged: why}
}
