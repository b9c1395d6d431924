package poller

import (
	"context"
	"errors"
	"io/fs"
)

// Rename moves the memory of a task to another name and address, unless a run
// of it goes on or the new name has a memory already. Call it before Set.
func (p *Poller) Rename(ctx context.Context, before, after, url string) error {
	from, to := memory{store: p.Store, key: before}, memory{store: p.Store, key: after}
	state, err := from.load(ctx)
	if err != nil || from.version == "" {
		return err
	}
	if _, err := to.load(ctx); err != nil || to.version != "" {
		return err
	}
	if state.unfinished() {
		return errors.New("a run is going on")
	}
	unreported := state.Unreported
	err = to.save(ctx, func(State) State {
		state.URL, state.Unreported = url, nil
		return state
	})
	if err != nil || len(unreported) > 0 { // the task that goes still has something to say
		return err
	}
	return from.drop(ctx)
}

// Forget drops the memories whose name begins with prefix and that are not
// kept, unless they are in use or somebody has yet to hear of their runs.
func (p *Poller) Forget(ctx context.Context, prefix string, kept map[string]bool) error {
	keys, err := p.Store.List(ctx, prefix)
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range keys {
		if kept[key] || p.watched(key) {
			continue
		}
		m := memory{store: p.Store, key: key}
		state, err := m.load(ctx)
		if err == nil && len(state.Unreported) == 0 && !state.unfinished() {
			err = m.drop(ctx)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s State) unfinished() bool {
	for _, r := range s.Refs {
		if r.unfinished() {
			return true
		}
	}
	return false
}

func (p *Poller) watched(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watches[name] != nil
}
