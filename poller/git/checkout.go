package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Checkout writes the tree of a revision that Heads gave to dir, which must not
// exist. dir appears by rename when all is in it, or not at all; while it is
// written its name is dir + ".tmp-*". Submodules are empty directories, symlinks
// and Git LFS pointers are left as they are.
//
// With DotGit there is a repository in dir, detached at the commit, its remote
// origin the URL without credentials. It has the history that is asked for and
// the ref, a branch as one of origin; with a longer history than one commit the
// remote is also asked for its tags, up to 10,000, and those that lead into the
// history are there. It needs nothing of the mirror, whose packs it has hard
// links to: they must not be written to, given away or changed in their mode,
// so whoever wants the files to be another user's says so with Owner. It is made
// in dir + ".git.tmp" and takes the place of whatever has its name in a dir that
// is there, by way of dir + ".git.old".
//
// It returns ErrMoved when the remote no longer gives the revision.
func (m *Mirror) Checkout(ctx context.Context, rev Revision, dir string, o Options) error {
	id, ok := parseID(rev.SHA)
	if !ok {
		return fmt.Errorf("check out %q of %s: not a commit id", rev.SHA, m.URL)
	}
	c := &checkout{Mirror: m, Options: o, kept: m.depot(o.depth()), rev: held{ref: rev.Ref, id: id}, dir: dir}
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("check out %s of %s: %w", rev.SHA, m.URL, err)
	}
	if !m.URL.Local() {
		m.tidy(ctx, c.kept)
	}
	return nil
}

// checkout is one call of Checkout.
type checkout struct {
	*Mirror
	Options
	kept *depot
	rev  held // its commit is known once it is here
	dir  string

	fresh bool    // all of the mirror came with this call
	known *record // what dir holds, if it is there; nil: nothing
	git   *dotGit // to be; nil: none
	tags  []tag   // of the remote
}

// revision is a revision with all that belongs to it, open.
type revision struct {
	store  *store
	plan   *plan
	landed *treeWriter // some of the files were written meanwhile; nil: none
}

// run makes the checkout, and once more with a new mirror if the old one is in
// doubt.
func (c *checkout) run(ctx context.Context) error {
	attempt := c.attempt
	if info, err := os.Lstat(c.dir); err == nil {
		if !c.Reuse || !info.IsDir() {
			return &fs.PathError{Op: "create", Path: c.dir, Err: fs.ErrExist}
		}
		attempt = c.update
	}
	err := c.withGit(ctx, attempt)
	var doubt *damage
	if c.URL.Local() || !errors.As(err, &doubt) {
		return err
	}
	if wiped := c.kept.wipe(ctx); wiped != nil || c.fresh {
		return errors.Join(err, wiped)
	}
	if c.Log != nil {
		c.Log.WarnContext(ctx, "mirror thrown away, will be fetched anew", "url", c.URL.String(), "err", err)
	}
	return c.withGit(ctx, attempt)
}

func (c *checkout) attempt(ctx context.Context) error {
	return c.publish(func(tmp string) error {
		r, err := c.open(ctx, tmp)
		if err != nil {
			return err
		}
		defer r.store.close()
		if err := c.fill(ctx, r, tmp); err != nil {
			return err
		}
		return c.git.place(tmp)
	})
}

// open finds the revision, and fetches what is missing of it. What comes from
// a remote into an empty mirror goes to dir at once.
func (c *checkout) open(ctx context.Context, dir string) (*revision, error) {
	r := &revision{}
	var err error
	if c.URL.Local() {
		r.store, err = c.openLocal(ctx)
	} else {
		r.store, r.landed, err = c.obtain(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	if r.landed != nil {
		r.plan = r.landed.plan
		return r, nil
	}
	read := r.store.reader().read
	_, tree, err := commitOf(ctx, c.rev.id, read)
	if err == nil {
		r.plan, err = makePlanFrom(ctx, c.known, tree, read)
	}
	if err != nil {
		r.store.close()
		return nil, err
	}
	return r, nil
}

func (c *checkout) openLocal(ctx context.Context) (*store, error) {
	local, err := openLocal(c.URL.path)
	if err != nil {
		return nil, err
	}
	s, err := local.store(ctx, c.rev.id)
	if err == nil && c.git != nil {
		if err = c.git.copyFrom(ctx, local, s, c); err != nil {
			s.close()
		}
	}
	return s, err
}

// obtain opens the mirror and fetches what is not there of the revision. Where
// nothing was, files go to dir at once.
func (c *checkout) obtain(ctx context.Context, dir string) (*store, *treeWriter, error) {
	if err := c.kept.busy.lock(ctx); err != nil {
		return nil, nil, err
	}
	defer c.kept.busy.unlock()
	b, err := openBare(ctx, c.kept.dir, c.kept.depth)
	if err != nil {
		return nil, nil, err
	}
	l, err := c.refresh(ctx, b, dir)
	if err == nil && c.git != nil {
		err = c.git.borrow(ctx, b, c)
	}
	if err != nil {
		b.close()
		return nil, nil, err
	}
	if l == nil {
		return b.store, nil, nil
	}
	return b.store, l.writer, nil
}

// refresh fetches the revision if it is not there, and tags if they are wanted.
func (c *checkout) refresh(ctx context.Context, b *bare, dir string) (*landing, error) {
	rev, here, err := b.complete(ctx, c.rev)
	if err != nil {
		return nil, err
	}
	c.rev = rev
	if here && !c.tagged() {
		return nil, nil //nolint:nilnil // nothing to fetch, and nothing written meanwhile
	}
	var l *landing
	if c.fresh = len(b.held) == 0; c.fresh && dir != "" {
		l = &landing{ctx: ctx, dir: dir, want: c.rev.id, files: c.fileOptions()}
	}
	err = c.converse(ctx, func(r *remote) error {
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

func (c *checkout) fetch(ctx context.Context, r *remote, b *bare, l *landing) error {
	w, err := b.wish(c.rev)
	if err != nil {
		return err
	}
	w.tags = c.tagged()
	d, err := r.fetch(ctx, w)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	c.rev, err = b.receive(ctx, d, c.rev, c.maxSize(), l)
	return err
}

// fileOptions say how files are to be written.
func (c *checkout) fileOptions() fileOptions {
	return fileOptions{limit: c.maxSize(), owner: c.Owner, stats: c.Reuse || c.DotGit}
}

// fill writes what is missing of the revision to dir.
func (c *checkout) fill(ctx context.Context, r *revision, dir string) error {
	w := r.landed
	if w == nil {
		var err error
		if w, err = newTreeWriter(dir, r.plan, c.fileOptions()); err != nil {
			return err
		}
	}
	if err := w.finish(ctx, r.store); err != nil {
		return err
	}
	if err := c.git.index(w); err != nil || !c.Reuse {
		return err
	}
	return c.remember(dir, w)
}

// publish has fill write to a directory that then becomes that of the checkout.
func (c *checkout) publish(fill func(tmp string) error) error {
	parent := filepath.Dir(c.dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(c.dir)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // after the rename there is nothing to remove
	if err := fill(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, c.dir)
}
