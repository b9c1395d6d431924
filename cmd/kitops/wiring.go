package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// wiring makes tasks out of settings. What tasks share, it holds.
type wiring struct {
	mirrors *mirrors
	apps    *apps

	environ    []string      // the agent's
	executable string        // for git to call back
	user       *actions.User // whom actions run as

	mu           sync.Mutex
	repositories map[string]*repository // by task
	paces        map[string]time.Duration
	fallback     *githubSettings // for reports of tasks that are gone
}

func (p program) wiring(repoDir string, apps *apps, maxSize git.Size) *wiring {
	executable, _ := os.Executable() // without it git gets no fresh tokens
	return &wiring{
		executable: executable,
		mirrors:    newMirrors(filepath.Join(repoDir, mirrorsDir), maxSize, apps.log),
		apps:       apps,
		environ:    p.environ,
	}
}

// make returns the tasks that the settings describe. Its errors are mistakes
// in the settings that only show now: a key that is none, for example.
func (w *wiring) make(s settings) ([]poller.Task, error) {
	tasks, repositories, err := w.build(s)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paces = paces(tasks, repositories)
	w.fallback, w.repositories = s.github(), map[string]*repository{}
	for i, t := range tasks {
		w.repositories[t.Name] = repositories[i]
	}
	return tasks, nil
}

// try finds the mistakes that make would find, and changes nothing.
func (w *wiring) try(s settings) error {
	_, _, err := w.build(s)
	return err
}

// build leaves out the tasks that select their repositories: what they match
// is not known here.
func (w *wiring) build(s settings) ([]poller.Task, []*repository, error) {
	var tasks []poller.Task
	var repositories []*repository
	var mistakes []error
	for _, t := range s.Tasks {
		if t.Repos != nil {
			mistakes = append(mistakes, w.apps.selectable(s, t))
			continue
		}
		r, err := w.apps.repository(s, t)
		if err == nil && r == nil && slices.ContainsFunc(t.Actions, func(a actions.Action) bool { return a.Token != nil }) {
			err = fmt.Errorf("task %s: github_token needs a GitHub App for %s", t.Name, t.URL)
		}
		mistakes = append(mistakes, err)
		tasks, repositories = append(tasks, w.task(s, t, r)), append(repositories, r)
	}
	mistakes = slices.DeleteFunc(mistakes, func(err error) bool { return err == nil })
	if len(mistakes) > 0 {
		return nil, nil, &configError{mistakes}
	}
	return tasks, repositories, nil
}

func (w *wiring) task(s settings, t taskSettings, r *repository) poller.Task {
	task := poller.Task{
		Name: t.Name, URL: t.URL.String(), Refs: t.Refs, RunNew: t.RunNew,
		Interval: t.Interval, Timeout: t.Timeout,
		Plan:  func(string, git.Revision) (poller.Plan, error) { return poller.Plan{Actions: t.Actions}, nil },
		Found: t.Configured != "", ID: t.RepositoryID, Formerly: t.Formerly,
		Digest: t.Digest,
	}
	if b := t.Bring; b != nil {
		task.ReportActs = true
		task.Plan = func(dir string, rev git.Revision) (poller.Plan, error) { return b.plan(dir, rev, t.Timeout) }
	}
	mirror := w.mirrors.get(t, r)
	task.Heads, task.Grant = mirror.Heads, w.grant(r)
	checkout := mirror.Checkout
	if r != nil {
		r.mirror = mirror
		task.Heads, checkout = r.heads, r.checkout
		task.Identity = r.identity
		task.Pace = func() time.Duration { return w.pace(t.Name) }
		task.ReportTo = s.statusContext(t)
	}
	options := t.Checkout.options()
	options.Submodules = w.submodules(s, t, mirror)
	if w.user != nil {
		options.Owner = &git.Owner{UID: w.user.UID, GID: w.user.GID}
	}
	task.Keep = options.Reuse
	task.Checkout = func(ctx context.Context, rev git.Revision, dir string) error {
		return checkout(ctx, rev, dir, options)
	}
	return task
}

// pace is how often a task may look: other tasks come and go.
func (w *wiring) pace(task string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paces[task]
}

// find returns the repository that a report is for. The task may be gone, or
// have another repository by now.
func (w *wiring) find(r poller.Report) *app.Repository {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.repositories[r.Run.Task]; known != nil {
		if owner, name, ok := known.app.Covers(r.URL); ok {
			return known.app.Repository(owner, name)
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

// mirrorOf is what git reads for a task, with the App's credentials if it has one.
func (w *wiring) mirrorOf(t taskSettings) *git.Mirror {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.repositories[t.Name]; r != nil {
		return r.mirror
	}
	return w.mirrors.get(t, nil)
}
