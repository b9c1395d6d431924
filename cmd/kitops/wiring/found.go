package wiring

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// Covering are the tasks on the repositories that match, one for each.
func Covering(t settings.Task, a *app.App, found []app.Found) []settings.Task {
	var all []settings.Task
	for _, f := range found {
		former := func(owner string) bool { return t.Repos.Match(owner, f.Name) }
		if !t.Repos.Match(f.Owner, f.Name) && !slices.ContainsFunc(f.Formerly, former) {
			continue
		}
		url, err := git.ParseURL(a.CloneURL(f.Owner, f.Name))
		if err != nil {
			continue // GitHub has no such names
		}
		all = append(all, t.On(f.Owner, f.Name, f.ID, url))
	}
	return all
}

// with adds to an incomplete listing the repositories that a task has a memory
// of, of owners of whom nothing was heard: those are not gone.
func (l listing) with(t settings.Task, memories map[string]poller.Memory) []app.Found {
	if l.complete {
		return l.found
	}
	all := slices.Clone(l.found)
	for name, memory := range memories {
		owner, repository, found := strings.Cut(strings.TrimPrefix(name, t.Name+settings.FoundMark), "/")
		id, err := strconv.ParseInt(memory.Identity, 10, 64)
		heard := slices.ContainsFunc(l.found, func(f app.Found) bool { return f.ID == id || strings.EqualFold(f.Owner, owner) })
		if found && err == nil && !heard && memory.Gone.IsZero() {
			all = append(all, app.Found{ID: id, Owner: owner, Name: repository})
		}
	}
	return all
}

// Selecting is the App among whose repositories a task selects, nil when it
// has an address of its own.
func (w *Wiring) Selecting(s settings.Settings, t settings.Task) (*app.App, error) {
	if t.Repos == nil {
		return nil, nil //nolint:nilnil // no App is a valid answer
	}
	return w.apps.get(*t.GitHub, s.StatusesWanted(*t.GitHub))
}
