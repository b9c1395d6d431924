package wiring

import (
	"context"
	"errors"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/bug"
)

// reloadLimit is how long a reload may take before that is an error.
const reloadLimit = 20 * time.Second

// Reload has the agent take over what load reads. That may be on a file system
// which does not answer: then the tasks stay as they are, until it does. Begun
// is called before, and what that returned when it is over. Reload returns when
// load has, or ctx is done.
func (a *Agent) Reload(ctx context.Context, load func() (settings.Settings, []string, error), begun func() (over func())) {
	if a.settings.Poller.PollOnce {
		a.log.Warn("nothing to reload: --poll-once polls once")
		return
	}
	over := begun()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := bug.Catch(func() error { a.Catalog.Reload(ctx, load); return nil }); err != nil {
			a.log.Error("the task file is not taken over, the tasks stay as they are", "err", err)
		}
	}()
	select {
	case <-done:
		over()
		return
	case <-ctx.Done():
		return
	case <-time.After(reloadLimit):
		over()
		a.log.Error("the task file cannot be read, the tasks stay as they are: the file system does not answer", "after", reloadLimit)
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Reload takes over what load reads. A mistake in it changes nothing. Without
// a task file only the repositories of patterns are listed again.
func (c *Catalog) Reload(ctx context.Context, load func() (settings.Settings, []string, error)) {
	before := c.Settings()
	s, _, err := load()
	if err == nil && s.Task.ConfigFile != "" {
		err = c.Set(ctx, s)
	}
	var mistakes *settings.Error
	switch {
	case errors.As(err, &mistakes):
		for _, mistake := range mistakes.Mistakes {
			c.log.Error("the task file is not taken over, the tasks stay as they are", "err", mistake)
		}
	case err != nil:
		c.log.Error("the task file is not taken over, the tasks stay as they are", "err", err)
	case s.Task.ConfigFile == "" && s.Patterns():
		c.Poke()
		c.log.Info("the repositories of the GitHub App are listed again")
	case s.Task.ConfigFile == "":
		c.log.Warn("nothing to reload: there is no --config-file")
	default:
		c.log.With(s.Changes(before)...).Info("the task file was read again", "tasks", len(s.Tasks))
	}
}
