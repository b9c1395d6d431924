package wiring

import (
	"context"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// required is the poller's Required of a task that reports by a context.
func (r *Repository) required(texts []string, reports string) func(context.Context, git.Revision) (poller.Required, error) {
	all := make([]app.Requirement, 0, len(texts))
	for _, text := range texts {
		if q, err := app.ParseRequirement(text); err == nil { // as the settings have made sure
			all = append(all, q)
		}
	}
	own := func(name string) bool { return reports != "" && strings.EqualFold(name, reports) }
	return func(ctx context.Context, rev git.Revision) (poller.Required, error) {
		waits, failed, err := r.Required(ctx, rev.SHA, all, own)
		return poller.Required{Waits: waits, Failed: failed}, later(err)
	}
}
