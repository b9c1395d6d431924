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
// written its name is dir + ".tmp-*". There is no .git in it, submodules are
// empty directories, symlinks and Git LFS pointers are left as they are.
//
// It returns ErrMoved when the remote no longer gives the revision.
func (m *Mirror) Checkout(ctx context.Context, rev Revision, dir string, o Options) error {
	id, ok := parseID(rev.SHA)
	if !ok {
		return fmt.Errorf("check out %q of %s: not a commit id", rev.SHA, m.URL)
	}
	c := &checkout{Mirror: m, Options: o, rev: held{ref: rev.Ref, id: id}, dir: dir}
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("check out %s of %s: %w", rev.SHA, m.URL, err)
	}
	if !m.URL.Local() {
		m.tidy(ctx)
	}
	return nil
}

// checkout is one call of Checkout.
type checkout struct {
	*Mirror
	Options
	rev held
	dir string

	fresh bool    // all of the mirror came with this call
	known *record // what dir holds, if it is there; nil: nothing
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
	err := attempt(ctx)
	var doubt *damage
	if c.URL.Local() || !errors.As(err, &doubt) {
		return err
	}
	if wiped := c.wipe(ctx); wiped != nil || c.fresh {
		return errors.Join(err, wiped)
	}
	if c.Log != nil {
		c.Log.WarnContext(ctx, "mirror thrown away, will be fetched anew", "url", c.URL.String(), "err", err)
	}
	return attempt(ctx)
}

func (c *checkout) attempt(ctx context.Context) error {
	return c.publish(func(tmp string) error {
		r, err := c.open(ctx, tmp)
		if err != nil {
			return err
		}
		defer r.store.close()
		return c.fill(ctx, r, tmp)
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
	return local.store(ctx, c.rev.id)
}

// obtain opens the mirror and fetches the revision if it is not there. Where
// nothing was, files go to dir at once.
func (c *checkout) obtain(ctx context.Context, dir string) (*store, *treeWriter, error) {
	if err := c.busy.lock(ctx); err != nil {
		return nil, nil, err
	}
	defer c.busy.unlock()
	b, err := openBare(ctx, c.Dir)
	if err != nil {
		return nil, nil, err
	}
	if b.holds(c.rev.id) {
		return b.store, nil, nil
	}
	var l *landing
	if c.fresh = len(b.held) == 0; c.fresh && dir != "" {
		l = &landing{ctx: ctx, dir: dir, want: c.rev.id, files: c.fileOptions()}
	}
	err = c.converse(ctx, func(r *remote) error {
		body, err := r.fetch(ctx, wish{want: c.rev.id, have: b.commits()})
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		return b.receive(ctx, body, c.rev, c.maxSize(), l)
	})
	if err != nil {
		b.close()
		return nil, nil, err
	}
	if l == nil {
		return b.store, nil, nil
	}
	return b.store, l.writer, nil
}

// fileOptions say how files are to be written.
func (c *checkout) fileOptions() fileOptions {
	return fileOptions{limit: c.maxSize(), owner: c.Owner, stats: c.Reuse}
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
	if err := w.finish(ctx, r.store); err != nil || !c.Reuse {
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
	const unfinished = ".tmp-"
	if c.Reuse {
		if err := sweepBeside(c.dir, unfinished); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(c.dir)+unfinished+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // after the rename there is nothing to remove
	if err := fill(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, c.dir)
}
