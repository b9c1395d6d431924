package wiring

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// Wiring makes tasks out of settings. What tasks share, it holds.
type Wiring struct {
	Park bool // checkouts leave and take what the poller parks

	mirrors *mirrors
	apps    *apps

	process  Process
	user     *actions.User // whom actions run as, nil for the agent itself
	stranger stranger      // whom those run as that strangers have written

	mu           sync.Mutex
	repositories map[string]*Repository // by task
	clones       map[string]*git.Mirror // by task
	paces        map[string]time.Duration
	fallback     *settings.GitHub        // for reports of tasks that are gone
	environments map[string]string       // where what a task deploys is to be seen
	verifies     map[string]git.KeyFiles // by task; of GitHub nothing
	ends         map[git.KeyFiles]keyEnds
}

// Process is what the agent is to the rest of the system.
type Process struct {
	Environ    []string
	Executable string // for git to call back; "": it gets no fresh tokens
	Home       string // where ~/.ssh is; "": there is none
	SSHAgent   string // the socket of the user's ssh agent
	Agent      string // what kitops calls itself at servers: kitops/VERSION

	Handed Handed        // by the program whose place this one took
	Second time.Duration // what pauses that wait for a remote are counted in; 0: as usual
}

// Getenv is a variable of the agent's own environment.
func (p Process) Getenv(name string) string {
	for _, entry := range slices.Backward(p.Environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// New keeps mirrors below a directory.
func New(p Process, repoDir string, maxSize git.Size, apiURL string, log *slog.Logger) *Wiring {
	return &Wiring{
		mirrors: newMirrors(p, filepath.Join(repoDir, mirrorsDir), maxSize, log),
		apps:    newApps(p, apiURL, log),
		process: p,
	}
}

// Sweep removes the mirrors of tasks that are no more. Call it before anything runs.
func (w *Wiring) Sweep() error { return w.mirrors.sweep() }

// Make returns the tasks that the settings describe. Its errors are mistakes
// in the settings that only show now: a key that is none, for example.
func (w *Wiring) Make(s settings.Settings) ([]poller.Task, error) {
	tasks, repositories, err := w.build(s)
	if err != nil {
		return nil, err
	}
	w.apps.want(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paces = paces(tasks, repositories)
	w.fallback, w.repositories = s.GitHub(), map[string]*Repository{}
	for i, t := range tasks {
		w.repositories[t.Name] = repositories[i]
	}
	w.clones, w.environments = map[string]*git.Mirror{}, map[string]string{}
	w.verifies, w.ends = map[string]git.KeyFiles{}, map[git.KeyFiles]keyEnds{}
	for _, t := range s.Tasks {
		if t.GitHub != nil {
			w.environments[t.Name] = t.GitHub.EnvironmentURL
		}
		if t.Repos == nil && !t.Elsewhere {
			w.clones[t.Name] = w.mirrors.get(t, w.repositories[t.Name])
			if t.Verify != nil {
				w.verifies[t.Name] = t.Verify.KeyFiles
			}
		}
	}
	return tasks, nil
}

// Try finds the mistakes that make would find, and changes nothing.
func (w *Wiring) Try(s settings.Settings) error {
	_, _, err := w.build(s)
	if err == nil {
		err = w.mistakesOf(s.Runners)
	}
	if err == nil && s.Poller.State != "" {
		_, err = OpenState(s, w.process)
	}
	return err
}

// build leaves out the tasks that select their repositories: what they match
// is not known here.
func (w *Wiring) build(s settings.Settings) ([]poller.Task, []*Repository, error) {
	var tasks []poller.Task
	var repositories []*Repository
	var mistakes []error
	for _, t := range s.Tasks {
		if t.Elsewhere {
			continue
		}
		if t.Repos != nil {
			mistakes = append(mistakes, w.apps.selectable(s, t))
			continue
		}
		r, err := w.apps.repository(s, t)
		if err == nil && r == nil && slices.ContainsFunc(t.AllActions(), func(a actions.Action) bool { return a.Token != nil }) {
			err = fmt.Errorf("task %s: github_token needs a GitHub App for %s", t.Name, t.URL)
		}
		if err == nil && r == nil && t.Pulls != nil {
			err = fmt.Errorf("task %s: pull_requests needs a GitHub App for %s", t.Name, t.URL)
		}
		if err == nil && r == nil && len(t.Rules.Requires) > 0 {
			err = fmt.Errorf("task %s: requires needs a GitHub App for %s", t.Name, t.URL)
		}
		if r != nil && strings.HasPrefix(t.URL.String(), "http://") && strings.HasPrefix(r.clone.String(), "https://") {
			err = fmt.Errorf("task %s: github: %s is not https, and the App's tokens travel there: write %s", t.Name, t.URL, r.clone)
		}
		mistakes = append(mistakes, err)
		tasks, repositories = append(tasks, w.task(s, t, r)), append(repositories, r)
	}
	mistakes = slices.DeleteFunc(mistakes, func(err error) bool { return err == nil })
	if len(mistakes) > 0 {
		return nil, nil, &settings.Error{Mistakes: mistakes}
	}
	return tasks, repositories, nil
}

func (w *Wiring) task(s settings.Settings, t settings.Task, r *Repository) poller.Task {
	task := poller.Task{
		Name: t.Name, URL: t.URL.String(), Refs: t.Refs, Versions: t.Versions, RunNew: t.RunNew, Silent: t.Silent, FinishUnleased: t.FinishUnleased || t.Each,
		Interval: t.Interval, Timeout: t.Timeout, Rules: t.Rules, Grace: t.LongestGrace(),
		Limits: t.Limits,
		Plan: func(context.Context, string, git.Revision) (poller.Plan, error) {
			return poller.Plan{Actions: t.Actions, OnFailure: t.OnFailure, Always: t.Always}, nil
		},
		Found: t.Configured != "", ID: t.RepositoryID, Formerly: t.Formerly,
		Each: t.Each, Definition: t.Definition(), Digest: t.Digest, Actions: t.ActionsDigest(),
	}
	task.Paths, task.Brings = t.Paths, len(t.Paths) > 0 || t.Rules.SkipCI || t.Pushes()
	if t.Bring != nil {
		task.Brings = true
		task.Plan = func(_ context.Context, dir string, rev git.Revision) (poller.Plan, error) {
			return plan(t, dir, rev)
		}
	}
	task.Notices = notices(t)
	mirror := w.mirrors.get(t, r)
	heads, checkout := mirror.HeadsAndTags, mirror.Checkout
	task.Grant = w.grant(r)
	if r != nil {
		r.mirror = mirror
		heads, checkout = r.heads, r.checkout
		task.Identity = r.identity
		task.Pace = func() time.Duration { return w.pace(t.Name) }
		task.ReportTo, task.ReportAs = s.StatusContext(t), reportAs(t)
		task.Fleet = t.Each && t.GitHub.Fleet
		if environment := s.Environment(t); environment != "" {
			task.DeployTo = poller.DeployTo(environment)
		}
		if environment := s.PullEnvironment(t); environment != "" {
			task.PullDeployTo = poller.DeployTo(environment)
		}
		if name := s.Comments(t); name != "" {
			task.CommentTo, task.CommentFile = poller.CommentTo(name), t.GitHub.Comment
		}
	}
	tagged(&task, heads)
	if t.Pulls != nil && r != nil {
		r.withPulls(&task, s, t, w)
	}
	if len(t.Rules.Requires) > 0 && r != nil {
		task.Required = r.required(t.Rules.Requires, task.ReportTo)
	}
	options := t.Checkout.Options()
	if t.Bring != nil && options.Sparse != nil {
		options.Sparse = options.Sparse.With(t.Bring.File)
	}
	options.Submodules = w.submodules(s, t, mirror)
	if w.user != nil {
		options.Owner = &git.Owner{UID: w.user.UID, GID: w.user.GID}
	}
	task.Changes = w.changes(mirror, r, options)
	task.Text = w.text(mirror, r, options)
	if r != nil && t.Pushes() {
		task.Pushed = r.pushed
	}
	if t.Pulls != nil && r != nil {
		task.MergeBase = w.mergeBase(mirror, r, options)
	}
	if t.Checkout.DotGit {
		task.Told = told(mirror, r, options)
	}
	w.signed(&task, t, mirror, r, options)
	task.Keep, options.Park = options.Reuse, w.Park && !options.Reuse
	task.Checkout = func(ctx context.Context, rev git.Revision, dir string) error {
		options := options
		options.Tag = task.TagObject(rev)
		return checkout(ctx, rev, dir, options)
	}
	if options.Park && w.user.IsAnother() {
		task.Prepare = func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error {
			options := options
			options.Tag = task.TagObject(rev)
			return mirror.Prepare(ctx, rev, dir, options, hurry)
		}
	}
	return task
}

// appOf is the App of a task, nil when it has none.
func (w *Wiring) appOf(task string) *app.App {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.repositories[task]; r != nil {
		return r.App
	}
	return nil
}

// pace is how often a task may look: other tasks come and go.
func (w *Wiring) pace(task string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paces[task]
}

// Find returns the repository that a report is for. The task may be gone, or
// have another repository by now.
func (w *Wiring) Find(r poller.Report) *app.Repository {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.repositories[r.Run.Task]; known != nil {
		if owner, name, ok := known.App.Covers(r.URL); ok {
			return known.App.Repository(owner, name)
		}
	}
	if w.fallback == nil {
		return nil
	}
	found, err := w.apps.get(*w.fallback, true)
	if err != nil {
		return nil
	}
	owner, name, ok := found.Covers(r.URL)
	if !ok {
		return nil
	}
	return found.Repository(owner, name)
}

// EnvironmentURL is where what a task deploys is to be seen, "" for nowhere.
func (w *Wiring) EnvironmentURL(task string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.environments[task]
}

// Repository is what the App has to do with a task, nil for nothing.
func (w *Wiring) Repository(task string) *Repository {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.repositories[task]
}
