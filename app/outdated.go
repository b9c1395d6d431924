package app

import (
	"net/http"
	"strings"
	"time"
)

// Outdated says that the App's installation on an account may have changed:
// what is known of it, and every no that followed from it, is asked for again.
// It asks nothing itself.
func (a *App) Outdated(owner string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, i := range a.installations {
		i.mu.Lock()
		if strings.EqualFold(i.grant.Account.Login, owner) {
			i.asked, i.token = time.Time{}, token{}
			i.denied.clear()
		}
		i.mu.Unlock()
	}
	for _, r := range a.repositories {
		if strings.EqualFold(r.owner, owner) {
			r.denied.clear()
			r.mu.Lock()
			r.installation = nil
			r.mu.Unlock()
		}
	}
	delete(a.explained, strings.ToLower(owner))
}

// Client signs requests to the API as the App, for what is the App's own, such
// as its delivery log. It goes to no other host.
func (a *App) Client() *http.Client { return a.own.client.Client() }

// ID is what the App was named by: its App ID or client ID.
func (a *App) ID() string { return a.id }
