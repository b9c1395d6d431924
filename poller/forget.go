package poller

import (
	"context"
	"errors"
	"fmt"
)

// Memories returns the tasks that have a memory and whose name begins with
// prefix, each with the identity of its repository.
func (p *Poller) Memories(ctx context.Context, prefix string) (map[string]string, error) {
	keys, err := p.Store.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	all := make(map[string]string, len(keys))
	var errs []error
	for _, key := range keys {
		m := memory{store: p.Store, key: key}
		state, err := m.load(ctx)
		errs = append(errs, err)
		all[key] = state.Identity
	}
	return all, errors.Join(errs...)
}

// Forget drops the memories of these tasks, unless they are in use or somebody
// has yet to hear of their runs.
func (p *Poller) Forget(ctx context.Context, names ...string) error {
	var errs []error
	for _, name := range names {
		m := memory{store: p.Store, key: name}
		state, err := m.load(ctx)
		if err == nil && len(state.Unreported) == 0 && !state.unfinished() {
			err = p.dropUnwatched(ctx, &m)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// dropUnwatched drops a memory and all that belongs to it, unless there is a
// task of that name.
func (p *Poller) dropUnwatched(ctx context.Context, m *memory) error {
	kept, err := p.dropMemory(ctx, m)
	if kept {
		err = errors.Join(err, p.sweep(ctx))
	}
	return err
}

func (p *Poller) dropMemory(ctx context.Context, m *memory) (kept bool, err error) {
	p.mu.Lock() // so that no task of that name begins meanwhile
	defer p.mu.Unlock()
	if p.watches[m.key] != nil {
		return false, nil
	}
	err = m.drop(ctx)
	return p.dropKept(m.key, m.state, State{}), err
}

// retire drops the memory of a task that was found and is gone, once the
// world has heard of its runs.
func (w *watch) retire(ctx context.Context) {
	w.outbox.idle.Wait()
	w.p.mu.Lock()
	inherited := w.inherited
	w.p.mu.Unlock()
	if !w.task.Found || ctx.Err() != nil {
		return
	}
	state, err := w.mem.load(ctx)
	if inherited && state.Identity != "" {
		return // the heir has yet to come
	}
	if err == nil {
		err = w.p.dropUnwatched(ctx, &w.mem)
	}
	if err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

// succeed waits until the task that this one was has ended, then takes over
// its memory.
func (w *watch) succeed(ctx context.Context) {
	if w.after != nil {
		select {
		case <-w.after:
		case <-ctx.Done():
			return
		}
	}
	if err := w.inherit(ctx); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

// inherit moves the memory of the task that this one was, unless it has one
// of its own. What that task still has to report it reports itself.
func (w *watch) inherit(ctx context.Context) error {
	w.p.mu.Lock()
	removed := w.removed
	w.p.mu.Unlock()
	if w.task.Formerly == "" || removed {
		return nil
	}
	from := memory{store: w.p.Store, key: w.task.Formerly}
	state, err := from.load(ctx)
	if err != nil || from.version == "" || state.Identity != w.task.ID {
		return err
	}
	if _, err := w.mem.load(ctx); err != nil || w.mem.version != "" {
		return err
	}
	reports := w.after != nil && len(state.Unreported) > 0 // it still does
	state.URL = w.task.URL
	if reports {
		state.Unreported = nil
	}
	if err := w.mem.save(ctx, func(State) State { return state }); err != nil {
		return err
	}
	if reports {
		err = from.save(ctx, func(now State) State { return State{URL: now.URL, Unreported: now.Unreported} })
	}
	if err != nil || reports && len(from.state.Unreported) > 0 {
		return err
	}
	if w.p.dropKept(from.key, from.state, State{}) {
		w.sweep(ctx)
	}
	return from.drop(ctx)
}

func (s State) unfinished() bool {
	for _, r := range s.Refs {
		if r.unfinished() {
			return true
		}
	}
	return false
}
