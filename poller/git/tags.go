package git

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/remote"
)

// tagged says whether the checkout has the tags of its history.
func (c *checkout) tagged() bool { return c.git != nil && c.kept.depth != 1 }

// choose keeps the tags of the remote, unless there are so many of them that
// each checkout would ask for a list without an end.
func (c *checkout) choose(ctx context.Context, tags []remote.Tag, count int) {
	if c.tags = dotgit.Sound(tags); count > remote.MaxTagRefs {
		c.tags = nil
		c.warnOnce(ctx, "the repository has too many tags, checkouts have none", "tags", count, "most", remote.MaxTagRefs)
	}
}

func (c *checkout) listTags(ctx context.Context, r *remote.Remote) error {
	tags, count, err := r.Tags(ctx)
	if err != nil {
		return err
	}
	c.choose(ctx, tags, count)
	c.kept.tagged = c.kept.tagged[:0]
	for _, t := range c.tags {
		if t.ID != t.Target {
			c.kept.tagged = append(c.kept.tagged, t.ID)
		}
	}
	return nil
}

// fetchTags drops the tags that lead elsewhere than into the history, and
// fetches those that did not come with it.
func (c *checkout) fetchTags(ctx context.Context, b *mirror.Bare) error {
	if err := c.keepMembers(ctx, b); err != nil {
		return err
	}
	w := remote.FetchRequest{Shallow: b.Shallow, Depth: ancestry.FullHistory, Filter: c.filter()}
	for _, t := range c.tags {
		if t.ID != t.Target && !b.Store.Has(t.ID) {
			w.Want = append(w.Want, t.ID)
		}
	}
	if len(w.Want) > 0 {
		w.Have = b.Commits()
		if err := c.fetchMissing(ctx, b, w); err != nil && !c.doWithout(ctx, err) {
			return err
		}
		c.tags = slices.DeleteFunc(c.tags, func(t remote.Tag) bool { return !b.Store.Has(t.ID) })
	}
	return c.checkTags(ctx, b.Store)
}

// keepMembers drops the tags that lead elsewhere than into the history. What is
// in the mirror may be of a branch that was pushed over, or of another one.
func (c *checkout) keepMembers(ctx context.Context, b *mirror.Bare) error {
	if b.Depth != ancestry.FullHistory {
		a, err := b.History(ctx, c.rev)
		if err == nil {
			c.tags = keepTags(c.tags, a.Has)
		}
		return err
	}
	var targets []object.ID
	for _, t := range c.tags {
		targets = append(targets, t.Target)
	}
	var err error
	c.kept.members, err = c.kept.members.Search(ctx, c.rev.Commit, targets, b.Store.Has, b.Store.Reader().Read)
	c.tags = keepTags(c.tags, func(id object.ID) bool { return c.kept.members.Has[id] })
	return err
}

// doWithout says whether the revision is as good without the tags that could
// not be fetched.
func (c *checkout) doWithout(ctx context.Context, err error) bool {
	if !serversFault(ctx, err) {
		return false
	}
	c.warnOnce(ctx, "tags could not be fetched, checkouts have only those that came with the history", "err", err)
	return true
}

// serversFault says that an error is about neither its own memory nor the disk.
func serversFault(ctx context.Context, err error) bool {
	var damage *object.Damage
	var file *fs.PathError
	return ctx.Err() == nil && !errors.As(err, &damage) && !errors.As(err, &file) && !errors.Is(err, disk.ErrTooMuch)
}

// keepTags are those that lead into a history.
func keepTags(tags []remote.Tag, part func(object.ID) bool) []remote.Tag {
	return slices.DeleteFunc(tags, func(t remote.Tag) bool { return !part(t.Target) })
}

// fetchMissing fetches tags as git does. Dulwich's server fails where a history
// is cut and not to be cut anew: it is asked as if it were. What it says of that
// counts for nothing.
func (c *checkout) fetchMissing(ctx context.Context, b *mirror.Bare, w remote.FetchRequest) error {
	fetch := func() error {
		return c.converse(ctx, func(r *remote.Remote) error {
			return c.ask(ctx, r, b, w, func(d *remote.FetchResponse) error { return c.takeTags(ctx, b, w.Want, d) })
		})
	}
	err := fetch()
	if err != nil && len(w.Shallow) > 0 && serversFault(ctx, err) {
		w.Depth = 1
		if fetch() == nil {
			err = nil
		}
	}
	return err
}

func (c *checkout) takeTags(ctx context.Context, b *mirror.Bare, tags []object.ID, d *remote.FetchResponse) error {
	return b.TakeIn(ctx, d, c.maxSize(), nil, func(whole *odb.Store) ([]object.ID, error) {
		for _, id := range tags {
			if _, _, err := object.CommitOf(ctx, id, whole.Reader().Read); err != nil {
				return nil, err
			}
		}
		return b.Shallow, nil
	})
}

// checkTags drops those that do not lead to where they are said to.
func (c *checkout) checkTags(ctx context.Context, s *odb.Store) error {
	r := s.Reader()
	c.tags = slices.DeleteFunc(c.tags, func(t remote.Tag) bool {
		commit, _, err := object.CommitOf(ctx, t.ID, r.Read)
		return err != nil || commit != t.Target
	})
	return ctx.Err()
}
