package app

import (
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

// OutdatedRepository says that the settings of a repository, known by its id or its address, may have changed at that time, and
// which branch is said to be its default one now, or "". It asks nothing itself.
func (a *App) OutdatedRepository(id int64, repositoryURL, defaultBranch string, at time.Time) {
	owner, name, _ := a.Covers(repositoryURL)
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, r := range a.repositories {
		r.mu.Lock()
		if key == strings.ToLower(owner+"/"+name) || id != 0 && r.facts.ID == id {
			r.news = news{time.Now(), at, defaultBranch}
			r.denied.clear()
		}
		r.mu.Unlock()
	}
}

// ID is what the App was named by: its App ID or client ID.
func (a *App) ID() string { return a.id }
