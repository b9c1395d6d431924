package doctor

import (
	"context"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// suites tells of check suites that no task will ever complete.
func (d *Doctor) suites(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	seen := map[*app.App]bool{}
	for _, t := range s.Tasks {
		r := w.Repository(t.Name)
		if r == nil || seen[r.App] {
			continue
		}
		seen[r.App] = true
		d.checks("GitHub App "+t.GitHub.AppID+": ", r.App.DiagnoseSuites(ctx, func(owner, name string) bool { return watches(s, r.App, owner, name) }))
	}
}

// watches tells whether a task is on a repository.
func watches(s settings.Settings, a *app.App, owner, name string) bool {
	for _, t := range s.Tasks {
		if t.Repos != nil {
			if t.Repos.Match(owner, name) {
				return true
			}
			continue
		}
		if its, repository, ok := a.Covers(t.URL.String()); ok && strings.EqualFold(its, owner) && strings.EqualFold(repository, name) {
			return true
		}
	}
	return false
}
