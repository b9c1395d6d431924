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
func (w *Wiring) RememberAccounts(ctx context.Context, state store.Store) {
	ctx = context.WithoutCancel(ctx) // what was seen was seen
	memory := document[accounts]{state, "accounts of GitHub"}
	held, err := memory.load(ctx)
	if err != nil {
		w.apps.log.Warn("the names of accounts cannot be read", "err", err)
	}
	w.apps.owners, w.apps.keep = held.Owners, func(seen app.Owners) error {
		return memory.save(ctx, func(now accounts) accounts { // another App may have seen others
			all := app.Owners{}
			maps.Copy(all, now.Owners)
			maps.Copy(all, seen)
			return accounts{all}
		})
	}
}
