package apptest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Installation is an App installed on an account.
type Installation struct {
	ID int64

	g           *GitHub
	app         *App
	account     *Account
	permissions changed[Permissions]
	selected    map[int64]bool // nil: all repositories of the account
	created     time.Time
	suspended   time.Time // zero: it is not
	removed     bool
}

// Install installs the App on an account with permissions (nil: all that the App asks for)
// for the given repositories, or for all of the account when none are given.
func (a *App) Install(account string, p Permissions, only ...*Repository) *Installation {
	var i *Installation
	a.g.change(func() (err error) {
		i, err = a.g.install(a, account, p, only)
		return err
	})
	return i
}

func (g *GitHub) install(app *App, login string, p Permissions, only []*Repository) (*Installation, error) {
	account, err := g.account(login)
	if err != nil {
		return nil, err
	}
	if app.deleted {
		return nil, fmt.Errorf("app %s is deleted", app.Slug)
	}
	if !app.public && account != app.owner {
		return nil, fmt.Errorf("app %s is private: only %s can install it", app.Slug, app.owner.Login)
	}
	if g.installationOn(app, account) != nil {
		return nil, fmt.Errorf("app %s is already installed on %s", app.Slug, login)
	}
	if p == nil {
		p = app.permissions
	}
	i := &Installation{
		ID: g.nextID(), g: g, app: app, account: account, selected: ids(only), created: g.Now(),
	}
	i.permissions.now = implied(p)
	g.installations = append(g.installations, i)
	return i, nil
}

func ids(repositories []*Repository) map[int64]bool {
	if len(repositories) == 0 {
		return nil
	}
	set := map[int64]bool{}
	for _, r := range repositories {
		set[r.ID] = true
	}
	return set
}

func (g *GitHub) installationOn(app *App, account *Account) *Installation {
	for _, i := range g.installations {
		if i.app == app && i.account == account && !i.removed {
			return i
		}
	}
	return nil
}

// Installation returns the App's installation on an account, or nil; for those made in a browser.
func (a *App) Installation(account string) *Installation {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	owner, err := a.g.account(account)
	if err != nil {
		return nil
	}
	return a.g.installationOn(a, owner)
}

// Suspend suspends the installation: its tokens and its requests for tokens get 403.
func (i *Installation) Suspend() {
	i.g.change(func() error { i.suspended = i.g.Now(); return nil })
}

// Unsuspend takes Suspend back.
func (i *Installation) Unsuspend() {
	i.g.change(func() error { i.suspended = time.Time{}; return nil })
}

// Uninstall removes the installation; its tokens die at once.
func (i *Installation) Uninstall() {
	i.g.change(func() error { i.removed = true; return nil })
}

// SetPermissions changes what is granted. What is taken away is taken from living tokens too.
func (i *Installation) SetPermissions(p Permissions) {
	i.g.change(func() error { i.permissions.set(implied(p), i.g.age()); return nil })
}

// granted is what GitHub's machines know to be granted.
func (i *Installation) granted() Permissions {
	return i.permissions.seen(i.g.age(), i.g.options.Lag.Permissions)
}

// SetRepositories changes the selection; none means all of the account.
func (i *Installation) SetRepositories(only ...*Repository) {
	i.g.change(func() error { i.selected = ids(only); return nil })
}

// RevokeTokens kills all tokens of the installation.
func (i *Installation) RevokeTokens() {
	i.g.change(func() error {
		for _, t := range i.g.tokens {
			if t.installation == i {
				t.revoked = true
			}
		}
		return nil
	})
}

// Token makes an installation token without a request; nil permissions and no repositories mean all of the installation.
func (i *Installation) Token(p Permissions, only ...*Repository) string {
	var secret string
	i.g.change(func() error {
		if i.removed || !i.granted().grants(p) {
			return errors.New("the installation is removed or does not grant the permissions of the token")
		}
		secret = i.g.issue(i, p, ids(only)).secret
		return nil
	})
	return secret
}

// covers says whether the installation reaches a repository.
func (i *Installation) covers(r *Repository) bool {
	return !i.removed && r.owner == i.account && (i.selected == nil || i.selected[r.ID])
}

// coverage is the number of repositories the installation reaches.
func (g *GitHub) coverage(i *Installation) int {
	n := 0
	for id := range i.selected {
		if r := g.repositories[id]; r != nil && i.covers(r) {
			n++
		}
	}
	if i.selected == nil {
		n = i.account.repositories
	}
	return n
}

func (g *GitHub) describeInstallation(i *Installation) fields {
	selection := "all"
	if i.selected != nil {
		selection = "selected"
	}
	f := fields{
		"id": i.ID, "app_id": i.app.ID, "app_slug": i.app.Slug, "client_id": i.app.ClientID,
		"target_id": i.account.ID, "target_type": i.account.Type, "account": g.describeAccount(i.account),
		"single_file_name": nil, "repository_selection": selection, "events": append([]string{}, i.app.events...),
		"permissions":       maps.Clone(i.granted()),
		"access_tokens_url": fmt.Sprintf("%s/app/installations/%d/access_tokens", g.APIURL, i.ID),
		"repositories_url":  g.APIURL + "/installation/repositories",
		"html_url":          fmt.Sprintf("%s/organizations/%s/settings/installations/%d", g.URL, i.account.Login, i.ID),
		"created_at":        stamp(i.created), "updated_at": stamp(i.created), "suspended_at": nil, "suspended_by": nil,
	}
	if !i.suspended.IsZero() {
		f["suspended_at"], f["suspended_by"] = stamp(i.suspended), g.describeAccount(i.account)
	}
	return f
}

func (g *GitHub) listInstallations(c *call, app *App) *answer {
	all := slices.DeleteFunc(slices.Clone(g.installations), func(i *Installation) bool { return i.app != app || i.removed })
	return paged(g, c, all, func(page []*Installation) any { return each(page, g.describeInstallation) })
}

// installationNamed finds the installation of the path among those of the App.
func (g *GitHub) installationNamed(c *call, app *App) *Installation {
	id, _ := strconv.ParseInt(c.PathValue("installation"), 10, 64)
	for _, i := range g.installations {
		if i.ID == id && i.app == app && !i.removed {
			return i
		}
	}
	return nil
}

func (g *GitHub) getInstallation(c *call, app *App) *answer {
	if i := g.installationNamed(c, app); i != nil {
		return ok(g.describeInstallation(i))
	}
	return notFound()
}

// getAccountInstallation answers for an organization or a user, as the route says.
func (g *GitHub) getAccountInstallation(kind string) func(*call, *App) *answer {
	return func(c *call, app *App) *answer {
		account, err := g.account(c.PathValue("account"))
		if err != nil || account.Type != kind {
			return notFound()
		}
		if i := g.installationOn(app, account); i != nil {
			return ok(g.describeInstallation(i))
		}
		return notFound()
	}
}

// getRepositoryInstallation answers 404 for what the installation does not cover, public or not.
func (g *GitHub) getRepositoryInstallation(c *call, app *App) *answer {
	r, renamed := g.repositoryNamed(c)
	if r == nil {
		return notFound()
	}
	i := g.installationOn(app, r.owner)
	if i == nil || !i.covers(r) {
		return notFound()
	}
	if renamed {
		return g.redirect(c, r)
	}
	return ok(g.describeInstallation(i))
}

func (g *GitHub) listRepositories(c *call) *answer {
	if c.who.kind != AsInstallation {
		return refuse(http.StatusForbidden, "You must authenticate with an installation access token in order to list repositories for an installation.")
	}
	t := c.who.token
	if a := t.refusal(); a != nil {
		return a
	}
	var all []*Repository
	for _, r := range g.repositories {
		if t.reaches(r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *Repository) int { return int(a.ID - b.ID) })
	return paged(g, c, all, func(page []*Repository) any {
		return fields{"total_count": len(all), "repository_selection": t.selection(), "repositories": each(page, g.describeRepository)}
	})
}
