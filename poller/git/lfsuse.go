package git

import (
	"context"

	"github.com/bittrance/kitops/poller/git/lfs"
)

// use has the contents of all pointers stay until the checkout has ended.
func (c *checkout) use() {
	all := map[*lfsSource][]lfs.Pointer{}
	for _, p := range c.pointers {
		all[p.of] = append(all[p.of], p.Pointer)
	}
	for source, pointers := range all {
		c.lfsUsed = append(c.lfsUsed, lfsUse{source, source.stored.Use(pointers)})
	}
}

// weedLFS removes what is damaged of all that is used, after some was found so: the power may have failed while it was written.
func (c *checkout) weedLFS(ctx context.Context) error {
	all := map[*Mirror][]lfs.Pointer{}
	for _, p := range c.pointers {
		all[p.of.Mirror] = append(all[p.of.Mirror], p.Pointer)
	}
	for m, pointers := range all {
		if err := m.lfs.lock(ctx); err != nil {
			return err
		}
		err := lfs.Weed(ctx, (&lfsSource{Mirror: m}).dir(), pointers)
		m.lfs.unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// lfsUse is what a checkout uses of a source.
type lfsUse struct {
	of   *lfsSource
	done func()
}

// leaveLFS says that the checkout has ended, and keeps what is stored small.
func (c *checkout) leaveLFS(ctx context.Context) {
	for _, u := range c.lfsUsed {
		u.done()
	}
	for _, u := range c.lfsUsed {
		if err := u.of.stored.Trim(u.of.dir(), u.of.maxSize()); err != nil && c.Log != nil {
			c.Log.WarnContext(ctx, "what is kept of Git LFS is not tidied", "url", u.of.URL.String(), "err", err)
		}
	}
	c.lfsUsed = nil
}
