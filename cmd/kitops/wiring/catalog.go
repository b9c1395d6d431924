package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/bug"
)

const (
	catalogInterval = 10 * time.Minute // between two listings, unless an event says that something changed
	catalogRetry    = 30 * time.Second // after a listing that failed
)

// Catalog keeps the poller's tasks in step with the configuration, and with
// the repositories that GitHub Apps cover: a configured task with repository
// patterns is one task for each repository that matches.
type Catalog struct {
	Expect  func(tasks int)            // hears how many there will be, unless it is nil
	Allow   func(actions.Limits) error // readies the host for the limits of a task
	Changed func()                     // hears that the settings may be others, unless it is nil

	wiring *Wiring
	agent  *poller.Poller
	log    *slog.Logger

	changed chan struct{} // of one: list again

	mu       sync.Mutex // also held while the poller is given its tasks
	settings settings.Settings
	targets  targets
	listings map[*app.App]listing
	covers   map[string]int // how many repositories, by configured task
	deleted  deletions
	failing  bool
}

// listing is what GitHub said an App covers.
type listing struct {
	found    []app.Found
	complete bool // all of its installations answered
}

// NewCatalog returns a catalog without tasks: Set gives it some.
func NewCatalog(w *Wiring, agent *poller.Poller, log *slog.Logger) *Catalog {
	return &Catalog{
		wiring: w, agent: agent, log: log, changed: make(chan struct{}, 1),
		listings: map[*app.App]listing{}, covers: map[string]int{}, deleted: deletions{},
	}
}

// Set takes over a configuration, with the repositories known so far; asking
// for others is left to run and list. An error means that it is not taken over.
func (c *Catalog) Set(ctx context.Context, s settings.Settings) error {
	if err := c.wiring.Try(s); err != nil {
		return err
	}
	if err := c.allow(s); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settings, c.targets = s, targetsOf(s.Tasks)
	c.apply(ctx)
	c.Poke()
	if c.Changed != nil {
		c.Changed()
	}
	return nil
}

// allow refuses tasks and runners with limits that the host does not let them have.
func (c *Catalog) allow(s settings.Settings) error {
	var mistakes []error
	for who, limits := range s.Limits() {
		if err := c.Allow(limits); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", who, err))
		}
	}
	if len(mistakes) == 0 {
		return nil
	}
	return &settings.Error{Mistakes: mistakes}
}

// Settings are what Set took over last.
func (c *Catalog) Settings() settings.Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settings
}

// notified are the targets of what Set took over last.
func (c *Catalog) notified() targets {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.targets
}

// Poke asks for a new listing. It never blocks.
func (c *Catalog) Poke() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Run lists every ten minutes and when poked, until ctx is done.
func (c *Catalog) Run(ctx context.Context) {
	for {
		wait := catalogInterval
		if c.failing {
			wait = catalogRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		case <-time.After(wait):
		}
		if err := bug.Catch(func() error { return c.List(ctx) }); ctx.Err() == nil {
			c.tell(err)
		}
	}
}

// tell says once that listing fails, and that it works again.
func (c *Catalog) tell(err error) {
	switch {
	case err != nil && !c.failing:
		c.log.Warn("not all repositories could be listed, those known stay", "err", strings.ReplaceAll(err.Error(), "\n", "; "))
	case err == nil && c.failing:
		c.log.Info("all repositories could be listed again")
	}
	c.failing = err != nil
}

// List asks the Apps what they cover and gives the poller its tasks. What
// could not be listed stays as it was.
func (c *Catalog) List(ctx context.Context) error {
	c.mu.Lock()
	s := c.settings
	c.mu.Unlock()
	if !s.Patterns() {
		return nil
	}
	listings := map[*app.App]listing{}
	var errs []error
	for _, t := range s.Tasks {
		a, err := c.wiring.Selecting(s, t)
		if _, listed := listings[a]; a == nil || listed {
			errs = append(errs, err)
			continue
		}
		found, err := a.Repositories(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("list the repositories of GitHub App %s: %w", t.GitHub.AppID, err))
		}
		listings[a] = listing{found, err == nil}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.listings, listings)
	c.apply(ctx)
	return errors.Join(errs...)
}

// apply gives the poller the tasks that follow from settings, listings and
// memories. The caller holds c.mu.
func (c *Catalog) apply(ctx context.Context) {
	all := c.settings
	all.Tasks = slices.Clone(c.settings.Tasks)
	taken := map[string]bool{}
	for _, t := range all.Tasks {
		taken[t.Name] = true
	}
	var gone, deleted []string
	for _, t := range c.settings.Tasks {
		a, err := c.wiring.Selecting(c.settings, t)
		if a == nil || err != nil || t.Elsewhere {
			continue // list returns the error
		}
		memories, err := c.agent.Memories(ctx, t.Name+settings.FoundMark)
		if err != nil {
			c.log.Error("the memory of a task cannot be read", "task", t.Name, "err", err)
		}
		maps.DeleteFunc(memories, func(name string, _ poller.Memory) bool { return taken[name] || !t.Stands(name) })
		tasks := Covering(t, a, c.listings[a].with(t, memories))
		tasks = slices.DeleteFunc(tasks, func(t settings.Task) bool { return taken[t.Name] })
		c.count(t, len(tasks), c.listings[a].complete)
		all.Tasks = append(all.Tasks, c.following(tasks, memories)...)
		if !c.listings[a].complete {
			continue
		}
		for name, m := range memories {
			if c.deleted.have(m.Identity) {
				deleted = append(deleted, name)
			} else {
				gone = append(gone, name)
			}
		}
	}
	tasks, err := c.wiring.Make(all)
	if err != nil {
		c.log.Error("the tasks stay as they are", "err", err)
		return
	}
	if c.Expect != nil {
		c.Expect(len(tasks))
	}
	c.agent.Set(tasks)
	if err := errors.Join(c.agent.Part(ctx, gone...), c.agent.Forget(ctx, deleted...)); err != nil {
		c.log.Error("the memory of repositories that are gone stays", "err", err)
	}
}

// following lets the memory of a renamed repository go with it. Of memories
// it leaves those that belong to none of the tasks.
func (c *Catalog) following(tasks []settings.Task, memories map[string]poller.Memory) []settings.Task {
	names := map[string]string{}
	for name, m := range memories {
		names[m.Identity] = name
	}
	for i, t := range tasks {
		if before := names[t.RepositoryID]; before != "" && memories[t.Name].Identity != t.RepositoryID {
			tasks[i].Formerly = before
			c.log.Info("a repository has another name now", "task", t.Name, "before", before)
			delete(memories, before)
		}
	}
	for _, t := range tasks {
		delete(memories, t.Name)
	}
	return tasks
}

// count says how many repositories a task covers, when that is news.
func (c *Catalog) count(t settings.Task, n int, complete bool) {
	before, known := c.covers[t.Name]
	if !complete || known && before == n {
		return
	}
	c.covers[t.Name] = n
	if n == 0 {
		c.log.Warn("no repository matches", "task", t.Name, "patterns", strings.Join(t.Repos.Entries(), " "))
		return
	}
	c.log.Info("covering repositories", "task", t.Name, "repositories", n)
}
