package wiring

import (
	"context"
	"errors"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

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
