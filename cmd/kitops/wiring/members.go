package wiring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// Outside is the store at a place as --state takes it, for who is none of those that share it. Instance is the one whose
// documents are meant of tasks that each runs for itself.
func Outside(ctx context.Context, place, instance string, p Process) (poller.Outside, error) {
	_, outside, err := openOutside(ctx, place, instance, p)
	return outside, err
}

func openOutside(ctx context.Context, place, instance string, p Process) (*State, poller.Outside, error) {
	state, err := openPlace(place, p)
	if err != nil {
		return nil, poller.Outside{}, err
	}
	if state.shared == nil {
		return nil, poller.Outside{}, errors.Join(fmt.Errorf("%s is shared by nobody: name the store with --state", place), state.Close())
	}
	outside := poller.Outside{Documents: members.NewDocuments(state.shared.in(members.TasksDir), instance, actions.BootClock()), Instance: instance}
	if outside.View, err = members.Look(ctx, state.shared.root(), state.shared.terms.TTL, state.shared.log); err == nil {
		outside.Own, err = state.own(ctx)
	}
	return state, outside, err
}

// ReleaseMember forgets an instance that is gone, and ends the leases that it has: the others
// need not wait for that. Sure is asked before. It returns the documents on which it had one.
func ReleaseMember(ctx context.Context, place, name string, p Process, sure func(poller.MemberStanding) error) (released []string, err error) {
	state, outside, err := openOutside(ctx, place, name, p)
	if err != nil {
		return nil, err
	}
	view := outside.View
	m, known := view.Named(name)
	if !known {
		var names []string
		for _, m := range append(view.Live, view.Gone...) {
			names = append(names, m.Owner.Name)
		}
		return nil, fmt.Errorf("no instance %q; there are: %s", name, strings.Join(names, ", "))
	}
	if err := sure(poller.MemberStanding{Name: name, Host: m.Owner.Host, PID: m.Owner.PID, Since: m.Since, Seen: m.Seen}); err != nil {
		return nil, err
	}
	in := &lease.Instance{
		Owner:        lease.Owner{Name: "kitops members --release", ID: lease.NewID(), Host: hostName(), PID: os.Getpid()},
		Predecessors: []string{m.Owner.ID}, Terms: state.shared.terms, Clock: actions.BootClock(),
	}
	released, err = outside.Release(ctx, in, m.Owner)
	if err != nil {
		return released, err
	}
	owns := slices.ContainsFunc(outside.Own, func(own members.Own) bool { return own.Member == name })
	registry := &members.Registry{Root: state.shared.root()}
	return released, registry.Forget(ctx, name, owns)
}
