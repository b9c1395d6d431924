package git

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/gitmodules"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/worktree"
)

const (
	maxNesting    = 5    // submodules of submodules
	maxSubmodules = 1000 // of one checkout
	fetchesAtOnce = 4
)

// graft fetches the submodules of a revision, and theirs, and adds what is in
// them to its plan and to its store: who writes the files need not know of it.
// One commit after another comes from one mirror, and no lock of a mirror is
// held while another is asked for, so a repository may be its own submodule.
func (c *checkout) graft(ctx context.Context, r *revision) error {
	c.subs, c.part = nil, r.plan.Whole()
	if c.Submodules == nil {
		return nil
	}
	top := &submodule{url: c.URL, store: r.store, part: c.part, git: c.git}
	level, err := c.submodulesOf(top, r.plan)
	for err == nil && len(level) > 0 {
		level, err = c.graftLevel(ctx, r, level)
	}
	if err == nil && r.landed != nil {
		err = r.landed.Extend()
	}
	return err
}

// graftLevel grafts submodules and finds those of the next level.
func (c *checkout) graftLevel(ctx context.Context, r *revision, level []*submodule) ([]*submodule, error) {
	group, fetching := errgroup.WithContext(ctx)
	group.SetLimit(fetchesAtOnce)
	for _, s := range level {
		group.Go(bug.Caught(func() error { return s.fetch(fetching, c.noModes) }))
	}
	err := group.Wait()
	for _, s := range level {
		if s.store != nil {
			r.store.Join(s.store)
		}
	}
	if err != nil {
		return nil, err
	}
	var next []*submodule
	for _, s := range level {
		if err := s.graft(ctx, r); err != nil {
			return nil, err
		}
		below, err := c.submodulesOf(s, r.plan)
		if err != nil {
			return nil, err
		}
		next = append(next, below...)
	}
	return next, nil
}

// submodulesOf finds the submodules that are directly in one, or in the
// repository, and the mirrors that they come from.
func (c *checkout) submodulesOf(in *submodule, p *worktree.Plan) ([]*submodule, error) {
	var found []*submodule
	for i := in.part.Dirs.Begin; i < in.part.Dirs.End; i++ {
		if d := p.Dirs[i]; d.Mode == object.ModeSubmodule {
			found = append(found, &submodule{parent: in, depth: in.depth + 1, path: p.DirPath(int32(i)), dir: int32(i), id: d.ID})
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil
	case in.depth >= maxNesting:
		return nil, fmt.Errorf("submodule %q: submodules nested deeper than %d: %s", found[0].path, maxNesting, in.chain())
	case len(c.subs)+len(found) > maxSubmodules:
		return nil, fmt.Errorf("submodule %q: more than %d submodules", found[0].path, maxSubmodules)
	}
	modules, err := in.readModules(p)
	if err != nil {
		return nil, in.wrap(fmt.Errorf("read %s of %s: %w", gitmodules.FileName, in.url, err))
	}
	wanted := found[:0]
	for _, s := range found {
		m := modules[s.name()]
		if m != nil && m.None {
			continue
		}
		if err := c.locate(s, m); err != nil {
			return nil, fmt.Errorf("submodule %q of %s: %w", s.path, in.url, err)
		}
		wanted = append(wanted, s)
	}
	c.subs = append(c.subs, wanted...)
	return wanted, in.beginGits(wanted)
}

// beginGits begins the repositories of submodules in that of what they are in.
func (s *submodule) beginGits(inside []*submodule) error {
	if s.git == nil {
		return nil
	}
	var known []dotgit.Submodule
	for _, sub := range inside {
		known = append(known, dotgit.Submodule{Name: sub.module, Path: sub.path, URL: sub.url})
	}
	err := dotgit.CheckNames(known)
	if err == nil {
		err = s.git.AddSubmodules(known)
	}
	for _, sub := range inside {
		if err != nil {
			return err
		}
		if sub.git, err = s.git.Module(sub.module); err != nil {
			err = fmt.Errorf("submodule %q: %w", sub.path, err)
		}
	}
	return err
}

// locate finds out where a submodule comes from.
func (c *checkout) locate(s *submodule, m *gitmodules.Module) error {
	if m == nil {
		return fmt.Errorf("%s has no section with its path", gitmodules.FileName)
	}
	if m.Url == "" {
		return fmt.Errorf("%s has no url for it", gitmodules.FileName)
	}
	var err error
	s.module = m.Name
	if s.url, err = s.parent.url.Submodule(m.Url); err != nil {
		return err
	}
	if s.mirror, err = c.Submodules(s.url); err != nil {
		return fmt.Errorf("%s: %w", s.url, err)
	}
	return nil
}

// blame finds out whether it is a submodule's mirror that damage was met in.
func (c *checkout) blame(ctx context.Context, p *worktree.Plan, err error) error {
	var doubt *object.Damage
	if !errors.As(err, &doubt) {
		return err
	}
	for _, s := range c.subs {
		if found := s.check(ctx, p); errors.As(found, &doubt) {
			return s.wrap(fmt.Errorf("%s: %w", s.url, found))
		}
	}
	return err
}
