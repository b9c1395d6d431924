package apptest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

const (
	userTokenPrefix   = "ghu_"
	userTokenLifetime = 8 * time.Hour
)

// userToken is an App's token of a user.
type userToken struct {
	app     *App
	user    *Account
	expires time.Time
}

// legacy is the permission that a role comes down to.
// https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
func legacy(role string) string {
	switch role {
	case "admin", "write", "read", "":
		return cmp.Or(role, "none")
	case "maintain":
		return "write"
	case "triage":
		return "read"
	}
	return "read"
}

// role is what an account is on a repository; one of the organization's own stands on one of GitHub's.
type role struct{ name, base string }

// SetRole gives a user a role on a repository: read, triage, write, maintain or admin, "" for none.
func (a *Account) SetRole(r *Repository, name string) { a.SetCustomRole(r, name, name) }

// SetCustomRole gives a user a role of the organization's own, which has the name that it wants and at least what base may.
func (a *Account) SetCustomRole(r *Repository, name, base string) {
	a.g.change(func() error {
		if a.roles == nil {
			a.roles = map[int64]role{}
		}
		a.roles[r.ID] = role{name, base}
		return nil
	})
}

// role is what the account is on a repository, the zero one for no more than anybody.
func (a *Account) role(r *Repository) role {
	if r.owner == a {
		return role{"admin", "admin"}
	}
	return a.roles[r.ID]
}

// SignIn makes a user the one who is signed in on the web pages.
func (g *GitHub) SignIn(user *Account) {
	g.change(func() error { g.visitor = user; return nil })
}

// UserTokens is how many tokens of users are good.
func (g *GitHub) UserTokens() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.userTokens)
}

// asUser lets only the token of a user in.
func (g *GitHub) asUser(f func(*call, *userToken) *answer) func(*call) *answer {
	return func(c *call) *answer {
		if c.who.kind != AsUser {
			return refuse(http.StatusUnauthorized, "Requires authentication")
		}
		return f(c, c.who.user)
	}
}

func (g *GitHub) getUser(_ *call, t *userToken) *answer {
	f := g.describeAccount(t.user)
	for _, name := range []string{"bio", "blog", "company", "email", "hireable", "location", "name"} {
		f[name] = nil
	}
	for _, name := range []string{"followers", "following", "public_gists", "public_repos"} {
		f[name] = 0
	}
	f["created_at"], f["updated_at"], f["user_view_type"] = stamp(g.Now()), stamp(g.Now()), "public"
	return ok(f)
}

// reaches lists what a user has a role on, of what an installation covers.
func (g *GitHub) reaches(t *userToken, i *Installation) []*Repository {
	var all []*Repository
	for _, r := range g.repositories {
		if i.covers(r) && t.user.role(r).name != "" {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *Repository) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (g *GitHub) listUserInstallations(c *call, t *userToken) *answer {
	all := slices.DeleteFunc(slices.Clone(g.installations), func(i *Installation) bool {
		return i.app != t.app || i.removed || len(g.reaches(t, i)) == 0
	})
	return paged(g, c, all, func(page []*Installation) any {
		return fields{"total_count": len(all), "installations": each(page, g.describeInstallation)}
	})
}

func (g *GitHub) listUserRepositories(c *call, t *userToken) *answer {
	i := g.installationNamed(c, t.app)
	if i == nil {
		return notFound()
	}
	if !i.suspended.IsZero() {
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	all := g.reaches(t, i)
	if len(all) == 0 {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return paged(g, c, all, func(page []*Repository) any {
		return fields{"total_count": len(all), "repository_selection": "all", "repositories": each(page, func(r *Repository) fields {
			f := g.describeRepository(r)
			f["permissions"] = permissionsOf(t.user.role(r).base)
			return f
		})}
	})
}

func permissionsOf(role string) map[string]bool {
	permission := legacy(role)
	push := permission == "write" || permission == "admin"
	return map[string]bool{
		"admin": permission == "admin", "maintain": permission == "admin" || role == "maintain", "push": push,
		"triage": push || role == "triage", "pull": permission != "none",
	}
}

// getPermission tells of any account what it may do; of who has no role, what anybody may.
func (g *GitHub) getPermission(c *call, r *Repository) *answer {
	user, err := g.account(c.PathValue("username"))
	if err != nil {
		return notFound()
	}
	is := user.role(r)
	if is.name == "" && !r.private {
		is = role{"read", "read"}
	}
	f := g.describeAccount(user)
	f["role_name"], f["permissions"] = cmp.Or(is.name, "none"), permissionsOf(is.base)
	return ok(fields{"permission": legacy(is.base), "role_name": cmp.Or(is.name, "none"), "user": f})
}

// deleteUserToken revokes a token of a user, as the App's client says.
func (g *GitHub) deleteUserToken(c *call) *answer {
	if c.who.kind != AsClient || c.who.app.ClientID != c.PathValue("client") {
		return refuse(http.StatusUnauthorized, "Bad credentials")
	}
	var wanted struct {
		Token string `json:"access_token"`
	}
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if t := g.userTokens[wanted.Token]; t == nil || t.app != c.who.app {
		return notFound()
	}
	delete(g.userTokens, wanted.Token)
	return &answer{status: http.StatusNoContent}
}

// clientOf finds the App that basic authentication names by its client, nil for none.
func (g *GitHub) clientOf(r *http.Request) *App {
	id, secret, basic := r.BasicAuth()
	for _, app := range g.apps {
		if basic && !app.deleted && app.ClientID == id && app.clientSecret != "" && app.clientSecret == secret {
			return app
		}
	}
	return nil
}

// UserToken makes a token of a user without a browser.
func (a *App) UserToken(user *Account) string {
	secret := userTokenPrefix + randomHex(18)
	a.g.change(func() error {
		a.g.userTokens[secret] = &userToken{a, user, a.g.Now().Add(userTokenLifetime)}
		return nil
	})
	return secret
}
