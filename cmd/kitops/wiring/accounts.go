package wiring

import (
	"context"
	"maps"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/store"
)

// accountsKey is the document that it is in.
const accountsKey = "accounts of GitHub"

// accounts is what the state knows of GitHub's accounts.
type accounts struct {
	Owners app.Owners `yaml:"owners"`
}

// RememberAccounts keeps what accounts were called in the state, so that the
// next agent follows a renamed one, too. Call it before Make.
func (w *Wiring) RememberAccounts(ctx context.Context, state store.Store) {
	w.KeepAccounts(ctx, state)
	held, err := document[accounts]{state, accountsKey}.load(ctx)
	if err != nil {
		w.apps.log.Warn("the names of accounts cannot be read", "err", err)
	}
	w.apps.remember(held.Owners)
}

// KeepAccounts is the half of RememberAccounts that asks the state nothing.
func (w *Wiring) KeepAccounts(ctx context.Context, state store.Store) {
	ctx = context.WithoutCancel(ctx) // what was seen was seen
	memory := document[accounts]{state, accountsKey}
	w.apps.keep = func(seen app.Owners) error {
		return memory.save(ctx, func(now accounts) accounts { // another App may have seen others
			all := app.Owners{}
			maps.Copy(all, now.Owners)
			maps.Copy(all, seen)
			return accounts{all}
		})
	}
}
