package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// obtain opens the mirror and fetches what is not there of the revision. Where
// nothing was, files go to dir at once, unless that is "".
func (c *checkout) obtain(ctx context.Context, dir string) (*odb.Store, *worktree.EarlyWriter, error) {
	if err := c.kept.busy.lock(ctx); err != nil {
		return nil, nil, err
	}
	defer c.kept.busy.unlock()
	for {
		s, l, err := c.obtainHere(ctx, dir)
		kept := errors.Is(err, errNoBlob) && !c.unfiltered
		if !kept && !errors.Is(err, remote.ErrUnfiltered) {
			c.noticeUnfiltered(ctx, err)
			return s, l, err
		}
		c.unfiltered = c.unfiltered || kept
		if err := os.RemoveAll(c.kept.dir); err != nil {
			return nil, nil, err
		}
	}
}

// noticeUnfiltered remembers that the server does not give the blobs that it leaves out. Where it has not given all of the
// revision either, it has only forgotten that.
func (c *checkout) noticeUnfiltered(ctx context.Context, err error) {
	if err == nil && c.unfiltered && !c.noBlob.Swap(true) {
		c.warnOnce(ctx, "the server leaves out blobs and does not hand them out one by one: all of the revision is fetched, though git.sparse checks out less")
	}
}

// obtainHere is obtain for who has the mirror for himself.
func (c *checkout) obtainHere(ctx context.Context, dir string) (*odb.Store, *worktree.EarlyWriter, error) {
	c.kept.format = c.rev.ID.Format()
	b, err := mirror.Open(ctx, c.kept.dir, c.kept.depth, c.kept.format)
	if err != nil {
		return nil, nil, err
	}
	b.Fail, b.Partial = c.fail, c.kept.partial
	b.Store.Spools.Room = c.room(c.kept.dir)
	l, err := c.refresh(ctx, b, dir)
	if err == nil {
		err = c.complete(ctx, b)
	}
	if err == nil && c.git != nil {
		err = c.borrowPacks(ctx, b)
	}
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return b.Store, l, nil
}

// refresh fetches the revision if it is not there, and tags if they are wanted.
func (c *checkout) refresh(ctx context.Context, b *mirror.Bare, dir string) (*worktree.EarlyWriter, error) {
	rev, here, err := b.Complete(ctx, c.rev)
	if err != nil {
		return nil, err
	}
	c.rev = rev
	if here && !c.tagged() {
		return nil, nil //nolint:nilnil // nothing to fetch, and nothing written meanwhile
	}
	if c.hurry != nil {
		return nil, errNotHeld
	}
	if !c.base.IsZero() {
		if err := b.Keep(c.base); err != nil {
			return nil, err
		}
	}
	var l *worktree.EarlyWriter
	if c.fresh = len(b.Held) == 0; c.fresh && dir != "" && c.Sparse == nil {
		l = worktree.NewEarlyWriter(ctx, dir, c.rev.ID, c.fileOptions())
		defer l.Close()
	}
	err = c.converse(ctx, func(r *remote.Remote) error {
		if c.tagged() {
			if err := c.listTags(ctx, r); err != nil {
				return err
			}
		}
		if here {
			return nil
		}
		return c.fetch(ctx, r, b, l)
	})
	if err == nil && c.tagged() {
		err = c.fetchTags(ctx, b)
	}
	return l, err
}

func (c *checkout) fetch(ctx context.Context, r *remote.Remote, b *mirror.Bare, l *worktree.EarlyWriter) error {
	w, err := b.Wish(c.rev)
	if err != nil {
		return err
	}
	w.Tags, w.Whole, w.Filter, w.Lacking = c.tagged(), c.whole, c.filter(), b.Filtered
	var early func(*pack.Receiver)
	if l != nil {
		early = l.On
	}
	return c.ask(ctx, r, b, w, func(d *remote.FetchResponse) (err error) {
		c.noticeFilter(ctx, d)
		c.rev, err = b.Receive(ctx, d, c.rev, c.maxSize(), early)
		return err
	})
}

// ask has take read a pack, for which the mirror must have room.
func (c *checkout) ask(ctx context.Context, r *remote.Remote, b *mirror.Bare, w remote.FetchRequest, take func(*remote.FetchResponse) error) error {
	w.Local = remote.Local{
		Has: b.Store.Has, Read: b.Store.Reader().Read, Dir: c.kept.dir, Limit: c.maxSize(),
		Room: c.room(c.kept.dir).Reader,
	}
	d, err := r.Fetch(ctx, w)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	d.Reader = c.progress.Reader(c.room(c.kept.dir).Reader(d.Reader))
	return take(d)
}

// openLocal opens a repository on this host, and copies its history where that is wanted.
func (c *checkout) openLocal(ctx context.Context) (*odb.Store, error) {
	repo, err := local.Open(c.URL.Path)
	if err != nil {
		return nil, err
	}
	s, err := repo.Store(ctx, c.rev.ID)
	if err == nil && c.dir != "" {
		parent := filepath.Dir(c.dir)
		s.Spools = pack.Spools{Dir: parent, Room: c.room(parent)}
	}
	if err == nil && c.git != nil {
		if err = c.copyHistory(ctx, repo, s); err != nil {
			s.Close()
		}
	}
	return s, err
}
