package wiring

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/webhook"
)

// apps are the GitHub Apps of a configuration, one for each credentials. They
// are kept over a reload, with what they have learned.
type apps struct {
	process Process
	log     *slog.Logger
	apiURL  string
	owners  app.Owners             // what accounts were called before
	keep    func(app.Owners) error // nil: nowhere
	mu      sync.Mutex
	known   map[settings.GitHub]*app.App
	warned  sync.Map // *app.Repository → *sync.Once
}

func newApps(p Process, apiURL string, log *slog.Logger) *apps {
	return &apps{process: p, log: log, apiURL: apiURL, known: map[settings.GitHub]*app.App{}}
}

// get returns the App with these credentials. Its errors are about the key.
func (a *apps) get(g settings.GitHub, statuses bool) (*app.App, error) {
	g = g.Credentials()
	if !statuses {
		g.StatusContext = settings.StatusesOff
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.known[g]; known != nil {
		return known, nil
	}
	made, err := app.New(app.Options{
		ID: g.AppID, Key: app.Key{File: g.KeyFile, Literal: g.Key},
		APIURL: a.apiURL, Statuses: statuses, Log: a.log, UserAgent: a.process.Agent,
		Lag: 30 * a.process.Second, Recheck: 30 * a.process.Second,
		Owners: a.owners, SaveOwners: a.keep,
	})
	if err != nil {
		return nil, err
	}
	a.known[g] = made
	return made, nil
}

// remember tells the Apps what accounts were called before.
func (a *apps) remember(before app.Owners) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owners = before
	for _, known := range a.known {
		known.Remember(before)
	}
}

// repository returns the repository of a task as its App sees it, nil when no
// App has to do with it.
func (a *apps) repository(s settings.Settings, t settings.Task) (*Repository, error) {
	if t.GitHub == nil {
		return nil, nil //nolint:nilnil // no App is a valid answer
	}
	found, err := a.get(*t.GitHub, s.StatusesWanted(*t.GitHub))
	if err != nil {
		return nil, fmt.Errorf("task %s: github: %w", t.Name, err)
	}
	owner, name, ok := found.Covers(t.URL.String())
	switch {
	case !ok && t.GitHub.Explicit:
		return nil, fmt.Errorf("task %s: github: %s is not on the host that belongs to %s", t.Name, t.URL, a.apiURL)
	case !ok:
		return nil, nil //nolint:nilnil // another host
	}
	clone, err := git.ParseURL(found.CloneURL(owner, name))
	if err != nil {
		return nil, fmt.Errorf("task %s: github: %w", t.Name, err)
	}
	warned, _ := a.warned.LoadOrStore(found.Repository(owner, name), &sync.Once{})
	return &Repository{
		warned:     warned.(*sync.Once),
		Repository: found.Repository(owner, name), App: found, owner: owner,
		clone: clone, explicit: t.GitHub.Explicit, log: a.log.With("task", t.Name),
	}, nil
}

// used are the Apps of the tasks.
func (a *apps) used(s settings.Settings) []*app.App {
	var all []*app.App
	for _, t := range s.Tasks {
		if t.GitHub == nil {
			continue
		}
		found, err := a.get(*t.GitHub, s.StatusesWanted(*t.GitHub))
		if err == nil && !slices.Contains(all, found) {
			all = append(all, found)
		}
	}
	return all
}

// want tells the Apps which permissions their tasks need beside the usual ones.
func (a *apps) want(s settings.Settings) {
	wanted := map[*app.App]map[string]string{}
	for _, t := range s.Tasks {
		if t.GitHub == nil {
			continue
		}
		found, err := a.get(*t.GitHub, s.StatusesWanted(*t.GitHub))
		if err != nil {
			continue
		}
		if wanted[found] == nil {
			wanted[found] = map[string]string{}
		}
		for permission, level := range t.Permissions() {
			if wanted[found][permission] != "write" {
				wanted[found][permission] = level
			}
		}
		if t.Pulls != nil && t.Pulls.Approved { // for reactions to comments, where that is granted
			wanted[found]["pull_requests"] = "write"
		}
	}
	for found, permissions := range wanted {
		found.Want(permissions)
	}
}

// outdatedRepository says that the settings of a repository may have changed at that time.
func (a *apps) outdatedRepository(r webhook.Repository, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, known := range a.known {
		known.OutdatedRepository(r.ID, r.URL, r.DefaultBranch, at)
	}
}

// outdated says that the Apps' installation on an account may have changed.
func (a *apps) outdated(owner string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, known := range a.known {
		known.Outdated(owner)
	}
}

// selectable checks that a task's patterns are for the host of its App.
func (a *apps) selectable(s settings.Settings, t settings.Task) error {
	found, err := a.get(*t.GitHub, s.StatusesWanted(*t.GitHub))
	if err != nil {
		return fmt.Errorf("task %s: github: %w", t.Name, err)
	}
	for _, host := range t.Repos.Hosts {
		if _, _, ok := found.Covers(host + "/owner/name"); !ok {
			return fmt.Errorf("task %s: %s is not the host that belongs to %s", t.Name, host, a.apiURL)
		}
	}
	return nil
}

// paces returns how often the tasks may look, so that all tasks of an App
// together stay within what GitHub allows.
func paces(tasks []poller.Task, repositories []*Repository) map[string]time.Duration {
	looks := map[*app.App][]app.Look{}
	names := map[*app.App][]string{}
	for i, r := range repositories {
		if r != nil {
			looks[r.App] = append(looks[r.App], app.Look{Owner: r.owner, Refs: tasks[i].Refs, Interval: tasks[i].Interval})
			names[r.App] = append(names[r.App], tasks[i].Name)
		}
	}
	all := map[string]time.Duration{}
	for a := range looks {
		for n, interval := range a.Pace(looks[a]) {
			all[names[a][n]] = interval
		}
	}
	return all
}
