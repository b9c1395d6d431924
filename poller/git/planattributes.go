package git

import (
	"context"
)

// applyAttributes does so for the revision and for each of its submodules.
func (c *checkout) applyAttributes(ctx context.Context, r *revision) error {
	roots := map[int32]bool{0: true}
	for _, s := range c.subs {
		roots[s.dir] = true
	}
	read := r.store.Reader().Read
	for _, root := range r.plan.AttributeRoots(roots) {
		if err := r.plan.ApplyAttributes(ctx, root, read); err != nil {
			return err
		}
	}
	return nil
}
