package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

// RunnerScope is whose runners are meant: an organization's or, with a name, a repository's.
type RunnerScope struct{ Owner, Name string }

func (s RunnerScope) String() string { return strings.TrimSuffix(s.Owner+"/"+s.Name, "/") }

// permission is what registering a runner takes. It is asked for only where there are runners.
func (s RunnerScope) permission() string {
	if s.Name == "" {
		return "organization_self_hosted_runners"
	}
	return "administration"
}

func (s RunnerScope) path() string {
	if s.Name == "" {
		return "orgs/" + url.PathEscape(s.Owner)
	}
	return "repos/" + url.PathEscape(s.Owner) + "/" + url.PathEscape(s.Name)
}

// RunnerScope finds it in the address of an organization or of a repository, when that is on the host that belongs to the API.
func (a *App) RunnerScope(address string) (scope RunnerScope, ok bool) {
	if owner, name, ok := a.Covers(address); ok {
		return RunnerScope{owner, name}, true
	}
	path, ok := a.address.pathOf(address)
	owner := strings.Trim(path, "/")
	return RunnerScope{Owner: owner}, ok && isAccount(owner)
}

// RunnerService returns where GitHub's service for runners is, and a token for it that is good for about an hour.
// A permission that is not granted is a *PermissionError.
func (a *App) RunnerService(ctx context.Context, scope RunnerScope) (address string, admin secret.Text, err error) {
	i, t, err := a.runnerToken(ctx, scope)
	if err != nil {
		return "", secret.Text{}, err
	}
	ans, err := i.with(ctx, t, call{method: http.MethodPost, path: scope.path() + "/actions/runners/registration-token", class: ordinary})
	if err != nil {
		return "", secret.Text{}, besides(err)
	}
	var registration struct {
		Token secret.Text `json:"token"`
	}
	if err := ans.decode(&registration); err != nil {
		return "", secret.Text{}, err
	}
	return i.registerRunners(ctx, a.address.web+"/"+scope.String(), registration.Token, t)
}

// PublicGroup tells whether public repositories may use a runner group of an organization. One that is not among the first
// hundred is not known.
func (a *App) PublicGroup(ctx context.Context, organization, group string) (public bool, err error) {
	scope := RunnerScope{Owner: organization}
	i, t, err := a.runnerToken(ctx, scope)
	if err != nil {
		return false, err
	}
	ans, err := i.with(ctx, t, call{method: http.MethodGet, path: scope.path() + "/actions/runner-groups?per_page=100", class: ordinary})
	if err != nil {
		return false, besides(err)
	}
	var all struct {
		Groups []struct {
			Name   string `json:"name"`
			Public bool   `json:"allows_public_repositories"`
		} `json:"runner_groups"`
	}
	if err := ans.decode(&all); err != nil {
		return false, err
	}
	for _, g := range all.Groups {
		if strings.EqualFold(g.Name, group) {
			return g.Public, nil
		}
	}
	return false, nil
}

// runnerToken is a token for what concerns runners, and nothing else.
func (a *App) runnerToken(ctx context.Context, scope RunnerScope) (*installation, token, error) {
	i, err := a.runnersOf(ctx, scope)
	if err != nil {
		return nil, token{}, err
	}
	if err := i.require(ctx, scope.permission(), "write", a.recheck); err != nil {
		return nil, token{}, err
	}
	wanted := tokenRequest{Permissions: map[string]string{scope.permission(): "write"}}
	if scope.Name != "" {
		known, err := a.Repository(scope.Owner, scope.Name).known(ctx)
		if err != nil {
			return nil, token{}, err
		}
		wanted.RepositoryIDs = []int64{known.ID}
	}
	t, err := i.ask(ctx, wanted)
	if err != nil {
		return nil, token{}, besides(err)
	}
	return i, t, nil
}

// registerRunners trades a registration token for access. What was made a moment ago may be unknown yet.
func (i *installation) registerRunners(ctx context.Context, scope string, registration secret.Text, made token) (string, secret.Text, error) {
	c := call{
		method: http.MethodPost, path: "actions/runner-registration", token: registration, scheme: "RemoteAuth", class: ordinary,
		body: map[string]string{"url": scope, "runner_event": "register"},
	}
	for try := 0; ; try++ {
		ans, err := i.line.do(ctx, c)
		status, _ := answered(err)
		if (status == http.StatusUnauthorized || status == http.StatusForbidden) && i.app.lag.again(ctx, made.made, try) {
			continue
		}
		if err != nil {
			return "", secret.Text{}, besides(err)
		}
		var access struct {
			URL   string      `json:"url"`
			Token secret.Text `json:"token"`
		}
		if err := ans.decode(&access); err != nil {
			return "", secret.Text{}, err
		}
		if access.URL == "" || !access.Token.Given() {
			return "", secret.Text{}, &DownError{errors.New("its answer names no service for runners")}
		}
		return access.URL, access.Token, nil
	}
}

// runnersOf is the installation that registers runners.
func (a *App) runnersOf(ctx context.Context, scope RunnerScope) (*installation, error) {
	if scope.Name != "" {
		return a.Repository(scope.Owner, scope.Name).installed(ctx)
	}
	i, err := a.find(ctx, scope.path()+"/installation")
	if err != nil || i != nil {
		return i, err
	}
	if user, err := a.find(ctx, "users/"+url.PathEscape(scope.Owner)+"/installation"); err == nil && user != nil {
		return nil, &SetupError{scope.Owner + " is a user, who has no runners of his own", "give url: the address of a repository"}
	}
	where, err := a.whereToInstall(ctx, scope.Owner)
	if err != nil {
		return nil, err
	}
	return nil, &SetupError{fmt.Sprintf("the GitHub App is not installed on the organization %s", scope.Owner), where}
}
