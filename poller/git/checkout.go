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
// It returns ErrMoved when the remote no longer gives the revision. It refuses
// what would fill the disk: 256 MB stay free, or a twentieth of a small one.
func (m *Mirror) Checkout(ctx context.Context, rev Revision, dir string, o Options) error {
	id, ok := parseID(rev.SHA)
	if !ok {
		return fmt.Errorf("check out %q of %s: not a commit id", rev.SHA, m.URL)
	}
	c := &checkout{Mirror: m, Options: o, rev: held{ref: rev.Ref, id: id}, dir: dir}
	if err := c.room(filepath.Dir(dir)).explain(c.run(ctx)); err != nil {
		return fmt.Errorf("check out %s of %s: %w", rev.SHA, m.URL, err)
	}
	return nil
}

// checkout is one call of Checkout.
type checkout struct {
	*Mirror
	Options
	rev held
	dir string

	fresh bool // all of the mirror came with this call
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
	if _, err := os.Lstat(c.dir); err == nil {
		return &fs.PathError{Op: "create", Path: c.dir, Err: fs.ErrExist}
	}
	err := c.attempt(ctx)
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
	return c.attempt(ctx)
}

func (c *checkout) attempt(ctx context.Context) error {
	err := c.publish(func(tmp string) error {
		r, err := c.open(ctx, tmp)
		if err != nil {
			return err
		}
		defer r.store.close()
		return c.fill(ctx, r, tmp)
	})
	if err == nil && !c.URL.Local() {
		c.tidy(ctx)
	}
	return err
}

// open finds the revision, and fetches what is missing of it. What comes from
// a remote into an empty mirror goes to dir at once.
func (c *checkout) open(ctx context.Context, dir string) (*revision, error) {
	r := &revision{}
	var l *landing
	var err error
	if c.URL.Local() {
		r.store, err = c.openLocal(ctx)
	} else {
		r.store, l, err = c.obtain(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	read := r.store.reader().read
	_, tree, err := commitOf(ctx, c.rev.id, read)
	switch {
	case err != nil:
	case l == nil:
		r.plan, err = makePlan(ctx, tree, read)
	default:
		if r.landed, err = l.finish(ctx, tree, read); err == nil {
			r.plan = r.landed.plan
		}
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
func (c *checkout) obtain(ctx context.Context, dir string) (*store, *landing, error) {
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
	if len(b.held) == 0 {
		c.fresh = true
		l = newLanding(ctx, dir, c.rev.id, c.maxSize())
		l.writer.room = c.room(dir)
		defer l.close()
	}
	err = c.converse(ctx, func(r *remote) error {
		body, err := r.fetch(ctx, wish{want: c.rev.id, have: b.commits()})
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		return b.receive(ctx, c.room(c.Dir).reader(body), c.rev, c.maxSize(), l)
	})
	if err != nil {
		b.close()
		return nil, nil, err
	}
	return b.store, l, nil
}

// fill writes what is missing of the revision to dir.
func (c *checkout) fill(ctx context.Context, r *revision, dir string) error {
	w := r.landed
	if w == nil {
		var err error
		if w, err = newTreeWriter(dir, r.plan, c.maxSize()); err != nil {
			return err
		}
		w.room = c.room(dir)
	}
	return w.finish(ctx, r.store)
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
