package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const selectAt = "correct its address, or select it at "

// notCovered explains, and remembers, that no installation reaches the repository.
func (r *Repository) notCovered(ctx context.Context) error {
	e := &NotCoveredError{}
	if before, ok := errors.AsType[*NotCoveredError](r.denied.last()); ok {
		e.SetupError = before.SetupError
	} else {
		where, err := r.app.whereToInstall(ctx, r.owner)
		if err != nil {
			return err
		}
		e.SetupError = SetupError{fmt.Sprintf("the GitHub App does not reach the repository %s/%s", r.owner, r.name), where}
	}
	e.Public = r.public(ctx)
	return r.denied.note(e, r.app.recheck)
}

// public says whether git may read the repository without credentials. git is asked, because REST gives
// strangers 60 requests an hour.
func (r *Repository) public(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, r.app.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.app.CloneURL(r.owner, r.name)+"/info/refs?service=git-upload-pack", nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", r.app.userAgent)
	resp, err := r.app.strangers.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// whereToInstall tells how to extend the installation on an account, or how to make one.
func (a *App) whereToInstall(ctx context.Context, owner string) (string, error) {
	if settings := a.settingsOf(owner); settings != "" {
		return selectAt + settings, nil
	}
	key := strings.ToLower(owner)
	a.mu.Lock()
	known := a.explained[key]
	a.mu.Unlock()
	if known != "" {
		return known, nil
	}
	for _, path := range []string{"orgs/", "users/"} {
		i, err := a.find(ctx, path+url.PathEscape(owner)+"/installation")
		if err != nil {
			return "", err
		}
		if i != nil {
			return selectAt + i.now().HTMLURL, nil
		}
	}
	page, err := a.page(ctx)
	if err != nil {
		return "", err
	}
	known = fmt.Sprintf("correct its address, or install the App on %s at %s/installations/new", owner, page)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.explained[key] = known
	return known, nil
}

// settingsOf is the settings page of the installation on an account, if one is in use.
func (a *App) settingsOf(owner string) string {
	a.mu.Lock()
	all := make([]*installation, 0, len(a.installations))
	for _, i := range a.installations {
		all = append(all, i)
	}
	a.mu.Unlock()
	for _, i := range all {
		if g := i.now(); strings.EqualFold(g.Account.Login, owner) {
			return g.HTMLURL
		}
	}
	return ""
}

// page is the App's public page.
func (a *App) page(ctx context.Context) (string, error) {
	self, err := a.self(ctx)
	return self.HTMLURL, err
}

// self is what GitHub says of the App.
type self struct {
	ID          int64             `json:"id"`
	Name        string            `json:"name"`
	ClientID    string            `json:"client_id"`
	HTMLURL     string            `json:"html_url"`
	Permissions map[string]string `json:"permissions"`
	Slug        string            `json:"slug"`
	Events      []string          `json:"events"`
	Owner       struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"owner"`
}

func (a *App) self(ctx context.Context) (self, error) {
	var s self
	ans, err := a.do(ctx, call{method: http.MethodGet, path: "app", class: ordinary})
	if err != nil {
		return s, besides(err)
	}
	return s, ans.decode(&s)
}
