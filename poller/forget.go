package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// memoryKept is how long a repository that is gone may take to return.
const memoryKept = 30 * 24 * time.Hour

// Memory is what is known of a task's memory without its task.
type Memory struct {
	Identity string    // of the repository
	Gone     time.Time // since when the repository is not to be found any more; zero: it is not gone
}

// Memories returns the tasks that have a memory and whose name begins with prefix.
func (p *Poller) Memories(ctx context.Context, prefix string) (map[string]Memory, error) {
	keys, err := p.Store.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	all := make(map[string]Memory, len(keys))
	var errs []error
	for _, key := range keys {
		m := memory{store: p.Store, key: key}
		state, err := m.load(ctx)
		errs = append(errs, err)
		all[key] = Memory{Identity: state.Identity, Gone: state.Gone}
	}
	return all, errors.Join(errs...)
}

// Part says that the repositories of these tasks are not to be found any more.
// Their memories are kept for 30 days, since many return: an App was installed
// anew, an owner renamed, a listing was wrong. Those in use are left alone.
func (p *Poller) Part(ctx context.Context, names ...string) error {
	var errs []error
	for _, name := range names {
		m := memory{store: p.Store, key: name}
		state, err := m.load(ctx)
		if err == nil && len(state.Unreported) == 0 && !state.unfinished() {
			err = p.partUnwatched(ctx, &m)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// partUnwatched notes since when a task is gone, and drops its memory when that is
// long ago.
func (p *Poller) partUnwatched(ctx context.Context, m *memory) error {
	switch gone := m.state.Gone; {
	case m.version == "":
		return nil
	case len(m.state.Refs) == 0 && len(m.state.Remembered) == 0: // an heir has it all
		return p.dropUnwatched(ctx, m)
	case gone.IsZero():
		return p.changeUnwatched(ctx, m, func() error {
			return m.save(ctx, func(s State) State { s.Gone = stamp(); return s })
		})
	case time.Since(gone) < memoryKept:
		return nil
	}
	return p.dropUnwatched(ctx, m)
}

// Forget drops the memories of these tasks, because their repositories were
// deleted: at once, or when a task that Set no longer wants has ended. Memories
// that are in use stay, and those of which somebody has yet to hear.
func (p *Poller) Forget(ctx context.Context, names ...string) error {
	var errs []error
	for _, name := range names {
		if p.forgetEnding(name) {
			continue
		}
		m := memory{store: p.Store, key: name}
		state, err := m.load(ctx)
		if err == nil && len(state.Unreported) == 0 && !state.unfinished() {
			err = p.dropUnwatched(ctx, &m)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// forgetEnding has a task that is about to end forget everything then, and tells
// whether there is one.
func (p *Poller) forgetEnding(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.watches[name]
	if w == nil || slices.ContainsFunc(p.tasks, func(t Task) bool { return t.Name == name }) {
		return false
	}
	w.deleted = true
	return true
}

// dropUnwatched drops a memory, unless there is a task of that name.
func (p *Poller) dropUnwatched(ctx context.Context, m *memory) error {
	return p.changeUnwatched(ctx, m, func() error { return m.drop(ctx) })
}

// changeUnwatched changes a memory and removes the workdirs that belong to it,
// unless there is a task of that name.
func (p *Poller) changeUnwatched(ctx context.Context, m *memory, change func() error) error {
	removed, err := func() (bool, error) {
		p.mu.Lock() // so that no task of that name begins meanwhile
		defer p.mu.Unlock()
		if p.watches[m.key] != nil {
			return false, nil
		}
		before := m.state
		err := change()
		return p.dropKept(m.key, before, State{}), err
	}()
	if removed {
		err = errors.Join(err, p.sweep(ctx))
	}
	return err
}

// retire parts from the memory of a task that was found and is gone, once the
// world has heard of its runs.
func (w *watch) retire(ctx context.Context) {
	w.outbox.idle.Wait()
	w.p.mu.Lock()
	inherited, deleted := w.inherited, w.deleted
	w.p.mu.Unlock()
	if !w.task.Found || ctx.Err() != nil {
		return
	}
	state, err := w.mem.load(ctx)
	if inherited && state.Identity != "" {
		return // the heir has yet to come
	}
	switch {
	case err != nil:
	case deleted:
		err = w.p.dropUnwatched(ctx, &w.mem)
	default:
		err = w.p.partUnwatched(ctx, &w.mem)
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
		w.p.sweepSoon(ctx)
	}
	return from.dropLoaded(ctx)
}

func (s State) unfinished() bool {
	for _, r := range s.Refs {
		if r.unfinished() {
			return true
		}
	}
	return false
}
