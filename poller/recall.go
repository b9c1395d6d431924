package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// recall is the memory as it is known to be, without asking a store that tells by itself what
// has changed in it. What is decided by that is decided again under the lease.
func (w *watch) recall(ctx context.Context) (State, error) {
	if w.p.Members != nil && !w.leased {
		if doc, seen := w.p.Members.Documents.Seen(w.mem.Key); seen {
			return w.mem.Recall(doc)
		}
	}
	return w.mem.Load(ctx)
}

// recalled is the same of any memory; false where nothing is known of it.
func (p *Poller) recalled(key string) (State, bool, error) {
	doc, seen := p.Members.Documents.Seen(key)
	if !seen || doc.Version == "" {
		return State{}, false, nil
	}
	m := newMemory(p.Store, key)
	state, err := m.Recall(doc)
	return state, true, err
}

// remembered is the memory of a task, read by whoever asks.
func (p *Poller) remembered(ctx context.Context, key string) (State, error) {
	if p.Members != nil {
		if state, seen, err := p.recalled(key); seen {
			return state, err
		}
	}
	m := newMemory(p.Store, key)
	return m.Load(ctx)
}

// recallAll are the memories of all tasks that read, also of those that are gone.
func (p *Poller) recallAll(ctx context.Context) (map[string]State, error) {
	if p.Members == nil || p.Members.View().Now.IsZero() {
		all, _, err := states(ctx, p.Store)
		return all, err
	}
	all := map[string]State{}
	for _, key := range p.Members.Documents.Keys() {
		if state, seen, err := p.recalled(key); seen && err == nil {
			all[key] = state
		}
	}
	return all, nil
}

// recallMemories is Memories of what is known; before anything is, it is nothing.
func (p *Poller) recallMemories(prefix string) (map[string]Memory, error) {
	all := map[string]Memory{}
	var errs []error
	for _, key := range p.Members.Documents.Keys() {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		state, seen, err := p.recalled(key)
		if err != nil {
			errs = append(errs, fmt.Errorf("read state: %w", err))
		}
		if seen {
			all[key] = Memory{Identity: state.Identity, Gone: state.Gone}
		}
	}
	return all, errors.Join(errs...)
}

// tasksOfOthers are those that live instances have and this one has not.
func (p *Poller) tasksOfOthers() []Task {
	if p.Members == nil {
		return nil
	}
	known := map[string]bool{}
	p.mu.Lock()
	for _, task := range p.tasks {
		known[task.Name] = true
	}
	p.mu.Unlock()
	names := map[string]bool{}
	for _, m := range p.Members.View().Live {
		for name, task := range m.Tasks {
			names[name] = names[name] || !known[name] && !task.Each
		}
	}
	var others []Task
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if state, seen, err := p.recalled(name); names[name] && seen && err == nil && state.URL != "" {
			others = append(others, Task{Name: name, URL: state.URL, ID: state.Identity, Refs: state.Patterns})
		}
	}
	return others
}

// whereabouts names the other instances that run a task, and poll it; "" for none.
func (p *Poller) whereabouts(task Task, s State) (runs, polls string) {
	if p.Members == nil {
		return "", ""
	}
	doc, _ := p.Members.Documents.Seen(task.Name)
	if s.Lease.Owner.ID != p.instance.Owner.ID && !doc.Now.IsZero() && !s.Lease.Ended(doc.Now) {
		runs = s.Lease.Owner.Name
	}
	if who := p.Members.View().Pollers(task.Name); len(who) > 0 && !task.Each && who[0].Owner.ID != p.instance.Owner.ID {
		polls = who[0].Owner.Name
	}
	return runs, polls
}
