package wiring

import (
	"context"
	"maps"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/store"
)

// accounts is what the state knows of GitHub's accounts.
type accounts struct {
	Owners app.Owners `yaml:"owners"`
}

// RememberAccounts keeps what accounts were called in the state, so that the
// next agent follows a renamed one, too. Call it before Make.
func (w *Wiring) RememberAccounts(state store.Store) { w.apps.state = state }

// accounts returns what accounts were called, and what keeps it.
func (a *apps) accounts() (before app.Owners, keep func(app.Owners) error) {
	if a.state == nil {
		return nil, nil
	}
	memory, ctx := document[accounts]{a.state, "accounts of GitHub"}, context.Background()
	held, err := memory.load(ctx)
	if err != nil {
		a.log.Warn("the names of accounts cannot be read", "err", err)
	}
	return held.Owners, func(seen app.Owners) error {
		return memory.save(ctx, func(now accounts) accounts { // another App may have seen others
			all := app.Owners{}
			maps.Copy(all, now.Owners)
			maps.Copy(all, seen)
			return accounts{all}
		})
	}
}
