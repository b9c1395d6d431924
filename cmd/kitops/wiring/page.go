package wiring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/page"
	"github.com/bittrance/kitops/webhook"
)

// besidePage is how the file is called in which those are kept who are logged in to the page.
const besidePage = ".sessions"

// changesWait is how long a page waits for a clone that is being fetched into.
const changesWait = time.Second

// api is what answers about this agent.
func (a *Agent) api() *api.API {
	return &api.API{Standings: a.standings, Standing: a.standing, Poll: a.NudgeTask, Order: a.Order, Cancel: a.Cancel, Members: a.Membership, Notified: a.told, Feed: a.feed, History: a.history, Withdraw: a.withdraw, Log: a.log}
}

// openPage binds the address of the page; nil where there is none.
func (a *Agent) openPage(ctx context.Context) (*page.Server, error) {
	if a.settings.Page.PageAddress == "" {
		return nil, nil //nolint:nilnil // off is a valid answer
	}
	o := page.Options{
		Config: a.settings.Page, API: a.api(), Version: strings.TrimPrefix(a.wiring.process.Agent, "kitops/"), Log: a.log,
		Repositories: a.pageRepositories, Settings: a.taskText, Changes: a.changes,
	}
	if beside := a.beside(); beside != "" {
		o.Sessions = beside + besidePage
	}
	proxies, err := webhook.ParseProxies(a.settings.Webhook.TrustedProxy)
	if err != nil {
		return nil, err
	}
	o.From = webhook.ClientAddress(proxies)
	if o.OAuth, err = a.oauth(); err != nil {
		return nil, err
	}
	return page.Listen(ctx, o)
}

// oauth is how people log in with GitHub; nil where they do not.
func (a *Agent) oauth() (*app.OAuth, error) {
	file, redirect, g := a.settings.App.ClientSecretFile, a.settings.Page.Callback(), a.settings.GitHub()
	switch {
	case file == "":
		return nil, nil //nolint:nilnil // without is a valid answer
	case redirect == "":
		a.log.Info("nobody logs in to the page with GitHub: --page-url says where GitHub is to send people back to")
		return nil, nil //nolint:nilnil // as above
	case g == nil:
		return nil, settings.Mistake("--github-client-secret-file: there is no GitHub App that it belongs to: give --github-app-id and its key")
	}
	key, err := app.ReadClientSecret(file)
	if err != nil {
		return nil, settings.Mistake("--github-client-secret-file: %w", err)
	}
	known, err := a.wiring.apps.get(*g, a.settings.StatusesWanted(*g))
	if err != nil {
		return nil, settings.Mistake("--github-client-secret-file: %w", err)
	}
	return &app.OAuth{App: known, Secret: key, Redirect: redirect}, nil
}

// pageRepositories are the tasks' repositories on GitHub.
func (a *Agent) pageRepositories() map[string]page.Repository {
	all := map[string]page.Repository{}
	for _, task := range a.names() {
		r := a.wiring.Repository(task)
		if r == nil {
			continue
		}
		owner, name, _ := r.App.Covers(r.clone.String())
		one := page.Repository{Repository: r.Repository, FullName: owner + "/" + name, Web: strings.TrimSuffix(r.App.CloneURL(owner, name), ".git")}
		if known, watched := a.Snapshot(task); watched {
			one.ID, _ = strconv.ParseInt(known.State.Identity, 10, 64) // none is 0
		}
		all[task] = one
	}
	return all
}

// changes are the commits of a task from one to another, as far as its clone has them.
func (a *Agent) changes(ctx context.Context, task, after, upTo string, most int) ([]page.Commit, error) {
	a.wiring.mu.Lock()
	mirror := a.wiring.clones[task]
	a.wiring.mu.Unlock()
	if mirror == nil {
		return nil, errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, changesWait)
	defer cancel()
	all, err := mirror.Commits(ctx, after, upTo, most)
	commits := make([]page.Commit, len(all))
	for i, c := range all {
		commits[i] = page.Commit(c)
	}
	return commits, err
}

// taskText is a task's configuration, with secrets masked: of one that stands for a repository that of the configured one.
func (a *Agent) taskText(name string) string {
	for _, t := range a.Catalog.Settings().Tasks {
		if name != t.Name && (t.Repos == nil || !strings.HasPrefix(name, t.Name+settings.FoundMark)) {
			continue
		}
		text, err := t.Text()
		if err != nil {
			text = fmt.Sprintf("it cannot be shown: %s", err)
		}
		return text
	}
	return ""
}

// statusURL is what commit statuses link to.
func statusURL(s settings.Settings) string { return cmp.Or(s.Status.TargetURL, s.Page.RunLink()) }
