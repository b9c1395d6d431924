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
	if p.Members != nil {
		return p.recallMemories(prefix)
	}
	keys, err := p.Store.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	all := make(map[string]Memory, len(keys))
	var errs []error
	for _, key := range keys {
		m := p.memory(key)
		state, err := m.Load(ctx)
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
		m := p.memory(name)
		state, err := m.Load(ctx)
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
	switch gone := m.State.Gone; {
	case m.Version == "":
		return nil
	case len(m.State.Refs) == 0 && len(m.State.Remembered) == 0: // an heir has it all
		return p.dropUnwatched(ctx, m)
	case gone.IsZero():
		return p.changeUnwatched(ctx, m, func() error {
			return p.owning(ctx, m, func(ctx context.Context) error {
				return m.Save(ctx, func(s State) State { s.Gone = stamp(); return s })
			})
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
		m := p.memory(name)
		state, err := m.Load(ctx)
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
	return p.changeUnwatched(ctx, m, func() error {
		return unlessHeld(p.owning(ctx, m, func(ctx context.Context) error { return drop(ctx, m) }))
	})
}

// changeUnwatched changes a memory and removes the workdirs that belong to it,
// unless there is a task of that name.
func (p *Poller) changeUnwatched(ctx context.Context, m *memory, change func() error) error {
	done, free, err := p.reserve(ctx, m.Key)
	if !free {
		return err
	}
	removed, err := func() (bool, error) {
		defer done()
		before := m.State
		err := change()
		return p.dropKept(m.Key, before, State{}), err
	}()
	if removed {
		err = errors.Join(err, p.sweep(ctx))
	}
	return err
}

// reserve keeps tasks of a name from beginning until done is called, and holds up nobody else. It is not free where
// there is one.
func (p *Poller) reserve(ctx context.Context, name string) (done func(), free bool, err error) {
	for {
		p.mu.Lock()
		other := p.reserved[name]
		if p.watches[name] != nil {
			p.mu.Unlock()
			return nil, false, nil
		}
		if other == nil {
			break
		}
		p.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	defer p.mu.Unlock()
	if p.reserved == nil {
		p.reserved = map[string]chan struct{}{}
	}
	ended := make(chan struct{})
	p.reserved[name] = ended
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.reserved, name)
		close(ended)
	}, true, nil
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
	state, err := w.mem.Load(ctx)
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

// succeed waits until the task that this one was has ended, and nobody parts from a memory of its name,
// then takes over its memory.
func (w *watch) succeed(ctx context.Context) {
	for _, before := range []<-chan struct{}{w.after, w.parted} {
		if before == nil {
			continue
		}
		select {
		case <-before:
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
	from := w.p.memory(w.task.Formerly)
	state, err := from.Load(ctx)
	if err != nil || from.Version == "" || state.Identity != w.task.ID {
		return err
	}
	if _, err := w.mem.Load(ctx); err != nil || w.mem.State.URL != "" || w.mem.Hold == nil && w.mem.Version != "" {
		return err
	}
	return w.p.owning(ctx, &from, func(ctx context.Context) error {
		return w.p.owning(ctx, &w.mem, func(ctx context.Context) error { return w.take(ctx, &from) })
	})
}

// take moves another task's memory.
func (w *watch) take(ctx context.Context, from *memory) error {
	state := from.State
	reports := w.after != nil && len(state.Unreported) > 0 // it still does
	state.URL = w.task.URL
	if reports {
		state.Unreported = nil
	}
	err := w.mem.Save(ctx, func(State) State { return state })
	if err != nil {
		return err
	}
	if reports {
		err = from.Save(ctx, func(now State) State { return State{URL: now.URL, Unreported: now.Unreported} })
	}
	if err != nil || reports && len(from.State.Unreported) > 0 {
		return err
	}
	if w.p.dropKept(from.Key, from.State, State{}) {
		w.p.sweepSoon(ctx)
	}
	return from.Drop(ctx)
}

func (s State) unfinished() bool {
	for _, r := range s.Refs {
		if r.unfinished() {
			return true
		}
	}
	return false
}
