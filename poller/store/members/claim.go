package members

import (
	"context"
	"errors"
	"time"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/lease"
)

// Claim takes the name, and waits until an instance that had it is known to be gone. The
// error is *[NameTakenError] where that one lives, or that of ctx.
func (r *Registry) Claim(ctx context.Context) error {
	var first *claimed
	for failing := false; ; {
		wait := retry
		next, err := r.claim(ctx, first)
		if err == nil && next == nil {
			if err = r.beat(ctx); err == nil {
				return nil
			}
		}
		var taken *NameTakenError
		switch {
		case errors.As(err, &taken):
			return err
		case err == nil:
			if first == nil {
				first = next
				r.Log.Warn("another instance has this name: waiting until it is known to be gone", "owner", next.by.Owner.String())
			}
			wait = min(retry, r.Period()/2)
		case !failing && ctx.Err() == nil:
			failing = true
			r.Log.Warn("the store does not say who has this instance's name: waiting for it", "err", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// claimed is another instance that has the name, and when it was seen.
type claimed struct {
	by      Member
	touched time.Time
}

// claim takes the name, or returns who has it.
func (r *Registry) claim(ctx context.Context, first *claimed) (*claimed, error) {
	found, doc, err := r.entry(ctx, r.name())
	if err != nil {
		return nil, err
	}
	if id := found.Owner.ID; doc.Version != "" && !found.Left && id != "" && id != r.Instance.Owner.ID && !r.Instance.Succeeds(lease.Lease{Owner: found.Owner}) {
		touched, now, err := r.Root.Sub(BeatsDir).Touched(ctx, r.name())
		if err != nil {
			return nil, err
		}
		if first != nil && (first.by.Owner.ID != id || touched.After(first.touched)) {
			return nil, &NameTakenError{found}
		}
		if last := latest(touched, found.Since); now.Sub(last) <= r.Instance.Terms.TTL {
			return &claimed{found, touched}, nil
		}
	}
	r.mu.Lock()
	r.version, r.self.Since = doc.Version, doc.Now
	r.mu.Unlock()
	err = r.introduce(ctx)
	if errors.Is(err, store.ErrConflict) { // somebody was faster
		return &claimed{by: found}, nil
	}
	return nil, err
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
