package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Checkout writes the tree of a revision that Heads gave to dir, which must not
// exist. dir appears by rename when all is in it, or not at all; while it is
// written its name is dir + ".tmp-*". There is no .git in it, symlinks are left
// as they are. Line ends and idents are as .gitattributes of the revision say.
// Filters are not run, so that Git LFS pointers stay pointers, which Log is told
// once for each kind.
//
// Submodules are empty directories, or with Options.Submodules what was recorded
// of them, five levels deep and 1,000 at most; only update = none leaves one
// empty. What is wrong with one fails the checkout and names its path. MaxSize
// holds for the files of all.
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
	return nil
}

// checkout is one call of Checkout.
type checkout struct {
	*Mirror
	Options
	rev held
	dir string

	fresh bool         // all of the mirror came with this call
	subs  []*submodule // of the attempt
	whole bool         // a remote that gives heads only is asked for all that they lead to
}

// revision is a revision with all that belongs to it, open.
type revision struct {
	store  *store
	plan   *plan
	landed *treeWriter // some of the files were written meanwhile; nil: none
}

// run makes the checkout, and once more with a new mirror if one is in doubt:
// that of the repository, or of a submodule.
func (c *checkout) run(ctx context.Context) error {
	if _, err := os.Lstat(c.dir); err == nil {
		return &fs.PathError{Op: "create", Path: c.dir, Err: fs.ErrExist}
	}
	var thrown []*Mirror
	for {
		err := c.attempt(ctx)
		m, fresh := c.inDoubt(err)
		if m == nil || slices.Contains(thrown, m) {
			return err
		}
		if wiped := m.wipe(ctx); wiped != nil || fresh {
			return errors.Join(err, wiped)
		}
		if m.Log != nil {
			m.Log.WarnContext(ctx, "mirror thrown away, will be fetched anew", "url", m.URL.String(), "err", err)
		}
		thrown = append(thrown, m)
	}
}

// inDoubt is the mirror that an error casts doubt on, and whether all of it
// came with this call. Without one it is nil.
func (c *checkout) inDoubt(err error) (m *Mirror, fresh bool) {
	var doubt *damage
	if !errors.As(err, &doubt) {
		return nil, false
	}
	m, fresh = c.Mirror, c.fresh
	var of *submoduleError
	if errors.As(err, &of) {
		m, fresh = of.mirror, of.fresh
	}
	if m.URL.Local() {
		return nil, false
	}
	return m, fresh
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
	if err == nil {
		c.tidyAll(ctx)
	}
	return err
}

// tidyAll keeps the mirrors small that were read from.
func (c *checkout) tidyAll(ctx context.Context) {
	used := []*Mirror{c.Mirror}
	for _, sub := range c.subs {
		if !slices.Contains(used, sub.mirror) {
			used = append(used, sub.mirror)
		}
	}
	for _, m := range used {
		if !m.URL.Local() {
			m.tidy(ctx)
		}
	}
}

// open finds the revision with its submodules, and fetches what is missing of
// it. What comes from a remote into an empty mirror goes to dir at once.
func (c *checkout) open(ctx context.Context, dir string) (*revision, error) {
	r := &revision{}
	var err error
	if r.store, r.landed, err = c.reach(ctx, dir); err != nil {
		return nil, err
	}
	if r.landed != nil {
		r.plan = r.landed.plan
	} else {
		r.plan, err = c.makePlan(ctx, r.store)
	}
	if err == nil {
		err = c.graft(ctx, r)
	}
	if err == nil {
		err = c.applyAttributes(ctx, r)
	}
	if err != nil {
		r.store.close()
		return nil, err
	}
	return r, nil
}

// reach opens what has the revision.
func (c *checkout) reach(ctx context.Context, dir string) (*store, *treeWriter, error) {
	if c.URL.Local() {
		s, err := c.openLocal(ctx)
		return s, nil, err
	}
	return c.obtain(ctx, dir)
}

func (c *checkout) makePlan(ctx context.Context, s *store) (*plan, error) {
	read := s.reader().read
	_, tree, err := commitOf(ctx, c.rev.id, read)
	if err != nil {
		return nil, err
	}
	return makePlan(ctx, tree, read)
}

func (c *checkout) openLocal(ctx context.Context) (*store, error) {
	local, err := openLocal(c.URL.path)
	if err != nil {
		return nil, err
	}
	return local.store(ctx, c.rev.id)
}

// obtain opens the mirror and fetches the revision if it is not there. Where
// nothing was, files go to dir at once, unless that is "".
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
	if len(b.held) == 0 {
		c.fresh = true
		if dir != "" {
			l = &landing{ctx: ctx, dir: dir, want: c.rev.id, limit: c.maxSize()}
		}
	}
	err = c.converse(ctx, func(r *remote) error {
		body, err := r.fetch(ctx, wish{want: c.rev.id, have: b.commits(), whole: c.whole})
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

// fill writes what is missing of the revision to dir.
func (c *checkout) fill(ctx context.Context, r *revision, dir string) error {
	w := r.landed
	if w == nil {
		var err error
		if w, err = newTreeWriter(dir, r.plan, c.maxSize()); err != nil {
			return err
		}
	}
	if err := w.finish(ctx, r.store); err != nil {
		return c.blame(ctx, r.plan, err)
	}
	c.warnOfLeft(ctx, r)
	return nil
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
