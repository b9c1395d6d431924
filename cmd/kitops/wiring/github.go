package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/webhook"
)

// apps are the GitHub Apps of a configuration, one for each credentials. They
// are kept over a reload, with what they have learned.
type apps struct {
	process Process
	log     *slog.Logger
	apiURL  string
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
		APIURL: a.apiURL, Statuses: statuses, Log: a.log, UserAgent: a.process.Agent, Lag: a.process.Lag,
	})
	if err != nil {
		return nil, err
	}
	a.known[g] = made
	return made, nil
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

// outdatedRepository says that the settings of a repository may have changed.
func (a *apps) outdatedRepository(r webhook.Repository) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, known := range a.known {
		known.OutdatedRepository(r.ID, r.URL, r.DefaultBranch)
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

// Repository is a task's repository on GitHub: looks by the API, fetches with
// an installation token.
type Repository struct {
	*app.Repository
	App      *app.App
	owner    string
	clone    git.URL
	mirror   *git.Mirror
	explicit bool // the task's own github key: without the App it does not work
	log      *slog.Logger
	warned   *sync.Once // shared: mirrors outlive what is made anew of the same settings
}

// Anonymous tells whether an error means to read the repository as anybody.
func (r *Repository) Anonymous(err error) bool {
	var uncovered *app.NotCoveredError
	if r.explicit || !errors.As(err, &uncovered) || !uncovered.Public {
		return false
	}
	r.warned.Do(func() {
		r.log.Warn("the App is not installed on this public repository: it is read anonymously, without commit statuses", "err", err)
	})
	return true
}

// auth is the git.Auth of the mirror.
func (r *Repository) auth(ctx context.Context, _ string) (user string, password secret.Text, err error) {
	token, err := r.Token(ctx)
	if r.Anonymous(err) {
		return "", secret.Text{}, nil
	}
	return app.User, token, err
}

// heads asks the API, and git itself while the API is down.
func (r *Repository) heads(ctx context.Context, refs git.Patterns) ([]git.Revision, error) {
	all, err := r.apiHeads(ctx, refs)
	var limit *app.LimitError
	var down *app.DownError
	switch {
	case err == nil:
		return all, nil
	case errors.Is(err, app.ErrEmpty):
		return nil, git.ErrEmpty
	case errors.As(err, &limit):
		return nil, &poller.LaterError{At: limit.Until, Err: err}
	case errors.As(err, &down), r.Anonymous(err):
		revisions, fallback := r.mirror.Heads(ctx, refs)
		if fallback != nil && !errors.Is(fallback, git.ErrEmpty) {
			return nil, errors.Join(err, fallback)
		}
		return revisions, fallback
	}
	return nil, err
}

// apiHeads leaves out what the API tells beyond the patterns. The default
// branch is asked for by itself, or nobody could tell it from the rest.
func (r *Repository) apiHeads(ctx context.Context, refs git.Patterns) ([]git.Revision, error) {
	rest := slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return ref == "HEAD" })
	found := map[string]string{}
	if len(rest) < len(refs) {
		heads, err := r.Heads(ctx, []string{"HEAD"})
		if err != nil {
			return nil, err
		}
		for _, head := range heads {
			found[head.Ref] = head.SHA
		}
	}
	if rest.Validate() == nil { // else there are only exclusions left
		heads, err := r.Heads(ctx, rest)
		if err != nil {
			return nil, err
		}
		for _, head := range heads {
			if matched, _ := rest.Match(head.Ref); matched {
				found[head.Ref] = head.SHA
			}
		}
	}
	var all []git.Revision
	for _, ref := range slices.Sorted(maps.Keys(found)) {
		all = append(all, git.Revision{Ref: ref, SHA: found[ref]})
	}
	return all, nil
}

// checkout fetches with a token. One that git does not take may be too young
// for its servers to know it, or have been revoked.
func (r *Repository) checkout(ctx context.Context, rev git.Revision, dir string, o git.Options) error {
	for try := 0; ; try++ {
		err := r.mirror.Checkout(ctx, rev, dir, o)
		if !errors.Is(err, git.ErrCredentials) && !errors.Is(err, git.ErrHidden) && !errors.Is(err, git.ErrDenied) {
			return outage(err)
		}
		token, failed := r.Token(ctx)
		if failed != nil {
			return outage(failed)
		}
		if !r.Again(ctx, token, try) {
			return err
		}
	}
}

// outage tells the poller that GitHub is out of order.
func outage(err error) error {
	if down, ok := errors.AsType[*app.DownError](err); ok && down != nil {
		return &poller.PassingError{Err: err}
	}
	return err
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

// identity makes sure that it still is the repository it was, as far as the
// App can see.
func (r *Repository) identity(ctx context.Context, known string) (string, error) {
	identity, err := r.Identity(ctx, known)
	var limit *app.LimitError
	var down *app.DownError
	switch {
	case errors.As(err, &limit):
		return "", &poller.LaterError{At: limit.Until, Err: err}
	case errors.As(err, &down), r.Anonymous(err):
		return known, nil
	}
	return identity, err
}
