package members

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// View is what an instance knows of all. It is not to be changed.
type View struct {
	Now  time.Time // the store's, at the last listing
	Live []Member  // those that may have work, by name: their last beat is no longer ago than a lease lasts
	Gone []Member  // those that have ended otherwise than they should, and are not forgotten yet
	TTL  time.Duration

	Generation int // another one when Live has changed
}

// View is what the last listing has shown.
func (r *Registry) View() View {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view
}

// Self is what this instance says of itself.
func (r *Registry) Self() Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.self
}

// learn makes the view of a listing, and reads the entries that have changed.
func (r *Registry) learn(ctx context.Context, l listing, now time.Time) error {
	r.mu.Lock()
	known := maps.Clone(r.entries)
	r.mu.Unlock()
	var mu sync.Mutex
	fresh := make(map[string]entry, len(l.entries))
	var group errgroup.Group
	group.SetLimit(atOnce)
	dead := 0
	for name, version := range l.entries {
		e, ok := known[name]
		if ok {
			mu.Lock()
			fresh[name] = e // also where reading it fails now
			mu.Unlock()
		}
		if ok && e.version == version {
			continue
		}
		if now.Sub(l.beats[name]) > 2*r.Instance.Terms.TTL {
			if dead++; dead > mostPruned {
				continue
			}
		}
		group.Go(func() error {
			m, doc, err := r.entry(ctx, name)
			if err == nil && doc.Version != "" {
				mu.Lock()
				defer mu.Unlock()
				fresh[name] = entry{m, doc.Version}
			}
			return err
		})
	}
	err := group.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = fresh
	before := r.view.Live
	r.view = viewOf(r.entries, l.beats, now, r.Instance.Terms.TTL, r.view.Generation)
	if !slices.EqualFunc(before, r.view.Live, func(a, b Member) bool { return a.equal(b) }) {
		r.view.Generation++
	}
	return err
}

// viewOf tells who lives, by the beats and the store's clock.
func viewOf(entries map[string]entry, beats map[string]time.Time, now time.Time, ttl time.Duration, generation int) View {
	v := View{Now: now, TTL: ttl, Generation: generation}
	for name, e := range entries {
		m := e.member
		if m.Owner.Name == "" {
			continue // what stands there is no member's
		}
		m.Seen = latest(beats[name], m.Since)
		switch {
		case m.Left:
		case !m.silentFor(1, now, ttl):
			v.Live = append(v.Live, m)
		default:
			v.Gone = append(v.Gone, m)
		}
	}
	byName := func(a, b Member) int { return strings.Compare(a.Owner.Name, b.Owner.Name) }
	slices.SortFunc(v.Live, byName)
	slices.SortFunc(v.Gone, byName)
	return v
}

// Recent are the members that have given a sign within two lengths of a lease, by name.
func (v View) Recent() []Member {
	all := slices.Clone(v.Live)
	for _, m := range v.Gone {
		if !m.silentFor(2, v.Now, v.TTL) {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Owner.Name, b.Owner.Name) })
	return all
}

// Named is a member that has not left as it should; false where there is none.
func (v View) Named(name string) (Member, bool) {
	for _, m := range slices.Concat(v.Live, v.Gone) {
		if m.Owner.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// Pollers are those that should poll a task: the first of its rank, and who comes after
// it while it is behind. There are three at most.
func (v View) Pollers(task string) []Member { return pollers(task, v.Live) }

// Alone are the tasks that nobody polls: who has announced them is gone, or all who
// should poll them are behind. They are sorted.
func (v View) Alone() []string {
	alone := map[string]bool{}
	for _, m := range v.Gone {
		for name := range m.Tasks {
			alone[name] = true
		}
	}
	for _, m := range v.Live {
		for name := range m.Tasks {
			delete(alone, name)
		}
	}
	for _, m := range v.Live {
		for _, name := range m.Behind {
			who := v.Pollers(name)
			if len(who) > 0 && who[len(who)-1].behindWith(name) {
				alone[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(alone))
}

// Disputed are the tasks of which members have announced different definitions, with the names by definition.
func (v View) Disputed() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for _, m := range v.Live {
		for name, task := range m.Tasks {
			if all[name] == nil {
				all[name] = map[string][]string{}
			}
			all[name][task.Definition] = append(all[name][task.Definition], m.Owner.Name)
		}
	}
	maps.DeleteFunc(all, func(_ string, definitions map[string][]string) bool { return len(definitions) < 2 })
	return all
}

// Duty tells whether this instance is the one that does something for all of them.
func (r *Registry) Duty(what string) bool {
	live := r.View().Live
	all := make([]Member, len(live))
	for i, m := range live {
		m.Tasks = map[string]Task{what: {}}
		all[i] = m
	}
	rank := Rank(what, all)
	return len(rank) == 0 || rank[0].Owner.Name == r.name()
}

// Mine tells whether this instance should poll a task. While it does not know of others it should.
func (r *Registry) Mine(task string) bool {
	who := r.View().Pollers(task)
	if len(who) == 0 {
		return true
	}
	return slices.ContainsFunc(who, func(m Member) bool { return m.Owner.Name == r.name() })
}
