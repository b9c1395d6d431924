package apptest

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Account is an organization, a user or an enterprise.
type Account struct {
	ID    int64
	Login string // of an enterprise the slug
	Type  string // Organization, User or Enterprise

	g *GitHub

	repositories int            // how many it owns
	roles        map[int64]role // of a user, by repository
	agreed       map[int64]bool // of a user: which Apps may know who he is
}

// AddOrg adds an organization.
func (g *GitHub) AddOrg(login string) *Account { return g.addAccount(login, "Organization") }

// AddUser adds a user. The first one is who is signed in on the web pages.
func (g *GitHub) AddUser(login string) *Account { return g.addAccount(login, "User") }

// AddEnterprise adds an enterprise. Apps can be installed on it, and reach no repository by that.
func (g *GitHub) AddEnterprise(slug string) *Account { return g.addAccount(slug, enterprise) }

const enterprise = "Enterprise"

// Rename gives an organization or a user another name. What it owns goes with it, and the old addresses of that redirect until
// somebody takes the name.
func (a *Account) Rename(login string) {
	a.g.change(func() error {
		if a.g.accounts[strings.ToLower(login)] != nil {
			return fmt.Errorf("account %s exists", login)
		}
		for _, r := range a.g.repositories {
			if r.owner == a {
				old := key(a.Login, r.name)
				delete(a.g.names, old)
				a.g.moved[old] = r.ID
				a.g.names[key(login, r.name)] = r.ID
			}
		}
		delete(a.g.accounts, strings.ToLower(a.Login))
		a.g.accounts[strings.ToLower(login)] = a
		a.Login = login
		return nil
	})
}

func (g *GitHub) addAccount(login, kind string) *Account {
	a := &Account{Login: login, Type: kind, g: g}
	g.change(func() error {
		if g.accounts[strings.ToLower(login)] != nil {
			return fmt.Errorf("account %s exists", login)
		}
		a.ID = g.nextID()
		g.accounts[strings.ToLower(login)] = a
		return nil
	})
	return a
}

// Account returns the account of that name, or nil.
func (g *GitHub) Account(login string) *Account {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accounts[strings.ToLower(login)]
}

func (g *GitHub) account(login string) (*Account, error) {
	if a := g.accounts[strings.ToLower(login)]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("no account %s", login)
}

// signedIn is the user with the lowest id, or nil.
func (g *GitHub) signedIn() *Account {
	var first *Account
	for _, a := range g.accounts {
		if a.Type == "User" && (first == nil || a.ID < first.ID) {
			first = a
		}
	}
	return first
}

// describeAccount is the description's simple-user, or its enterprise.
func (g *GitHub) describeAccount(a *Account) fields {
	if a.Type == enterprise {
		return fields{
			"id": a.ID, "node_id": nodeID(a.Type, a.ID), "slug": a.Login, "name": a.Login, "html_url": g.URL + "/enterprises/" + a.Login,
			"avatar_url": fmt.Sprintf("%s/avatars/b/%d", g.URL, a.ID), "created_at": stamp(g.Now()), "updated_at": stamp(g.Now()),
		}
	}
	url := g.APIURL + "/users/" + a.Login
	return fields{
		"login": a.Login, "id": a.ID, "node_id": nodeID(a.Type, a.ID), "type": a.Type, "site_admin": false,
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d", g.URL, a.ID), "gravatar_id": "",
		"url": url, "html_url": g.URL + "/" + a.Login,
		"followers_url": url + "/followers", "following_url": url + "/following{/other_user}",
		"gists_url": url + "/gists{/gist_id}", "starred_url": url + "/starred{/owner}{/repo}",
		"subscriptions_url": url + "/subscriptions", "organizations_url": url + "/orgs",
		"repos_url": url + "/repos", "events_url": url + "/events{/privacy}", "received_events_url": url + "/received_events",
	}
}

func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "0%d:%s%d", len(kind), kind, id))
}
