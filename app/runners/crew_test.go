package runners_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

// store is what members share: a document with a lease, and what each says.
type store struct {
	mu        sync.Mutex
	published runners.Listening
	holder    string
	said      map[string]runners.Registered
	dead      map[string]bool // starts
	down      bool
}

var errDown = errors.New("the store is down")

func (s *store) sharing(name string) *runners.Sharing {
	return &runners.Sharing{
		Member: name, Start: "start of " + name,
		Look: func(context.Context) (runners.Listening, string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.down {
				return runners.Listening{}, "", errDown
			}
			return s.published, s.holder, nil
		},
		Lead: func(ctx context.Context, f func(context.Context, runners.Keeper[runners.Listening])) error {
			s.mu.Lock()
			if s.holder != "" {
				s.mu.Unlock()
				return nil
			}
			s.holder = name
			s.mu.Unlock()
			f(ctx, keep(s, func() *runners.Listening { return &s.published }))
			s.mu.Lock()
			defer s.mu.Unlock()
			s.holder = ""
			return nil
		},
		Members: func(context.Context) (map[string]runners.Registered, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.down {
				return nil, errDown
			}
			return maps.Clone(s.said), nil
		},
		Alive: func(_, start string) bool { s.mu.Lock(); defer s.mu.Unlock(); return start != "" && !s.dead[start] },
		Of:    s.of,
	}
}

func (s *store) of(name string) runners.Keeper[runners.Registered] {
	return runners.Keeper[runners.Registered]{
		Load: func(context.Context) (runners.Registered, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.said[name], nil
		},
		Change: func(_ context.Context, f func(runners.Registered) runners.Registered) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.down {
				return errDown
			}
			if s.said[name] = f(s.said[name]); s.said[name].Empty() {
				delete(s.said, name)
			}
			return nil
		},
	}
}

func keep[T any](s *store, at func() *T) runners.Keeper[T] {
	return runners.Keeper[T]{
		Load: func(context.Context) (T, error) { s.mu.Lock(); defer s.mu.Unlock(); return *at(), nil },
		Change: func(_ context.Context, f func(T) T) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.down {
				return errDown
			}
			*at() = f(*at())
			return nil
		},
	}
}

func (s *store) leader() string { s.mu.Lock(); defer s.mu.Unlock(); return s.holder }

// crew are members of one scene, by the most runners that each can have.
type crew struct {
	*scene
	*store
	sets  map[string]*runners.Set
	stops map[string]func()
}

func newCrew(t *testing.T) *crew {
	t.Helper()
	return &crew{
		newScene(t, apptest.RunnerOptions{}, false), &store{said: map[string]runners.Registered{}, dead: map[string]bool{}},
		map[string]*runners.Set{},
		map[string]func(){},
	}
}

// join starts a member.
func (c *crew) join(name string, most int) {
	c.Helper()
	o := &c.options
	o.Sharing, o.Registered, o.Max = c.sharing(name), c.of(name), most
	o.Owner, o.Prefix, o.Dir = "kitops on "+name, "kitops-"+name, filepath.Join(c.TempDir(), name)
	c.sets[name], c.stops[name] = c.start()
}

// startedBy counts the runners that a member has started.
func (c *crew) startedBy(name string) (n int) {
	c.scene.mu.Lock()
	defer c.scene.mu.Unlock()
	for _, runner := range c.started {
		if strings.HasPrefix(runner, "kitops-"+name+"-") {
			n++
		}
	}
	return n
}

// heard waits until the listener knows of all members.
func (c *crew) heard() (set *apptest.ScaleSet) {
	c.Helper()
	set = c.scaleSet()
	c.waitFor("all say what they can have", func() bool {
		c.store.mu.Lock()
		defer c.store.mu.Unlock()
		return len(c.said) == len(c.sets)
	})
	return set
}
