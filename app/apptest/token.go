package apptest

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

const (
	tokenPrefix   = "ghs_"
	tokenLifetime = time.Hour
)

// token is an installation token. What it may do is the less of its own scope and of what the installation grants at the moment.
type token struct {
	secret       string
	installation *Installation
	permissions  Permissions
	only         map[int64]bool // nil: all that the installation covers
	expires      time.Time
	made         time.Time // by its age
	revoked      bool
}

// issue makes a token; nil permissions mean all granted.
func (g *GitHub) issue(i *Installation, p Permissions, only map[int64]bool) *token {
	if p == nil {
		p = i.granted()
	}
	secret := tokenPrefix + randomHex(18)
	if g.options.LongTokens {
		secret = tokenPrefix + strings.Join([]string{randomHex(20), randomHex(150), randomHex(86)}, ".")
	}
	t := &token{
		secret: secret, installation: i, permissions: implied(p), only: only,
		expires: g.Now().Add(tokenLifetime).Truncate(time.Second), made: g.age(),
	}
	g.tokens[secret] = t
	return t
}

func (t *token) reaches(r *Repository) bool {
	return t.installation.covers(r) && (t.only == nil || t.only[r.ID])
}

func (t *token) may(permission, l string) bool {
	return level(t.permissions[permission]) >= level(l) && level(t.installation.granted()[permission]) >= level(l)
}

func (t *token) selection() string {
	if t.only != nil || t.installation.selected != nil {
		return "selected"
	}
	return "all"
}

// refusal is not nil while the installation is suspended.
func (t *token) refusal() *answer {
	if t.installation.suspended.IsZero() {
		return nil
	}
	return refuse(http.StatusForbidden, "This installation has been suspended")
}

func (g *GitHub) postAccessToken(c *call, app *App) *answer {
	i := g.installationNamed(c, app)
	if i == nil {
		return notFound()
	}
	if !i.suspended.IsZero() {
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	var wanted struct {
		Permissions   Permissions
		Repositories  []string
		RepositoryIDs []int64 `json:"repository_ids"`
	}
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if !i.granted().grants(wanted.Permissions) {
		return refuse(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
	}
	only, found := g.choose(i, wanted.Repositories, wanted.RepositoryIDs)
	if !found {
		return refuse(http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	t := g.issue(i, wanted.Permissions, ids(only))
	body := fields{
		"token": t.secret, "expires_at": stamp(t.expires),
		"permissions": maps.Clone(t.permissions), "repository_selection": t.selection(),
	}
	if only != nil {
		body["repositories"] = each(only, g.describeRepository)
	}
	return &answer{status: http.StatusCreated, body: body}
}

// choose finds the repositories a token is asked for, by bare name or id; false when the installation does not cover one.
func (g *GitHub) choose(i *Installation, names []string, numbers []int64) ([]*Repository, bool) {
	var chosen []*Repository
	for _, name := range names {
		chosen = append(chosen, g.lookup(i.account.Login, name))
	}
	for _, id := range numbers {
		chosen = append(chosen, g.repositories[id])
	}
	for _, r := range chosen {
		if r == nil || !i.covers(r) {
			return nil, false
		}
	}
	return chosen, true
}
