package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/git"
)

// foundMark stands between the name of a configured task and the repository.
const foundMark = "@"

// covering are the tasks on the repositories that match, one for each.
func (t taskSettings) covering(a *app.App, found []app.Found) []taskSettings {
	var all []taskSettings
	for _, f := range found {
		if !t.Repos.match(f.Owner, f.Name) {
			continue
		}
		url, err := git.ParseURL(a.CloneURL(f.Owner, f.Name))
		if err != nil {
			continue // GitHub has no such names
		}
		all = append(all, t.on(f, url))
	}
	return all
}

// on is the task on one of the repositories that it selects.
func (t taskSettings) on(f app.Found, url git.URL) taskSettings {
	t.Configured, t.Name = t.Name, t.Name+foundMark+f.Owner+"/"+f.Name
	t.Repos, t.URL, t.RepositoryID = nil, url, strconv.FormatInt(f.ID, 10)
	return t.digested(url.String())
}

// stands tells whether a name is that of a task on one of the repositories.
func (t taskSettings) stands(name string) bool {
	repository, found := strings.CutPrefix(name, t.Name+foundMark)
	return found && strings.Count(repository, "/") == 1 && !strings.Contains(repository, foundMark)
}

// with adds to an incomplete listing the repositories that a task has a memory
// of, of owners of whom nothing was heard: those are not gone.
func (l listing) with(t taskSettings, memories map[string]string) []app.Found {
	if l.complete {
		return l.found
	}
	all := slices.Clone(l.found)
	for name, identity := range memories {
		owner, repository, found := strings.Cut(strings.TrimPrefix(name, t.Name+foundMark), "/")
		id, err := strconv.ParseInt(identity, 10, 64)
		heard := slices.ContainsFunc(l.found, func(f app.Found) bool { return f.ID == id || strings.EqualFold(f.Owner, owner) })
		if found && err == nil && !heard {
			all = append(all, app.Found{ID: id, Owner: owner, Name: repository})
		}
	}
	return all
}

// patterns tells whether any task selects its repositories.
func (s settings) patterns() bool {
	return slices.ContainsFunc(s.Tasks, func(t taskSettings) bool { return t.Repos != nil })
}

// selecting is the App among whose repositories a task selects, nil when it
// has an address of its own.
func (w *wiring) selecting(s settings, t taskSettings) (*app.App, error) {
	if t.Repos == nil {
		return nil, nil //nolint:nilnil // no App is a valid answer
	}
	return w.apps.get(*t.GitHub, s.statusesWanted(*t.GitHub))
}
