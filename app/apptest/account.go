package apptest

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Account is an organization or a user.
type Account struct {
	ID    int64
	Login string
	Type  string // Organization or User

	repositories int // how many it owns
}

// AddOrg adds an organization.
func (g *GitHub) AddOrg(login string) *Account { return g.addAccount(login, "Organization") }

// AddUser adds a user. The first one is who is signed in on the web pages.
func (g *GitHub) AddUser(login string) *Account { return g.addAccount(login, "User") }

func (g *GitHub) addAccount(login, kind string) *Account {
	a := &Account{Login: login, Type: kind}
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

// describeAccount is the description's simple-user.
func (g *GitHub) describeAccount(a *Account) fields {
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
