package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// Checkout writes the tree of a revision that Heads gave to dir, which must not
// exist without Reuse. A new dir appears by rename when all is in it, or not at
// all; while it is written its name is dir + ".tmp-*". Symlinks are left as they
// are. Line ends and idents are as .gitattributes of the revision say. Filters
// are not run, so that Git LFS pointers stay pointers, which Log is told once for
// each kind.
//
// Submodules are empty directories, or with Options.Submodules what was recorded
// of them, five levels deep and 1,000 at most; only update = none leaves one
// empty. What is wrong with one fails the checkout and names its path. MaxSize
// holds for the files of all.
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
// With LFS files that are pointers of Git LFS have the contents that they stand
// for, which are kept in Dir-lfs; without it they stay as they are, which Log is
// told once.
//
// With Sparse only what that selects is there, and from servers with partial
// clone no other files are fetched; submodules are selected as a whole. With
// DotGit, too, the repository knows that, and where blobs are missing that origin
// has them.
//
// With DotGit and Submodules, submodules are what git submodule update leaves: a file .git leads to
// a repository in .git/modules, detached at the recorded commit, without history.
//
// With Park the files of an earlier checkout with Park, which was moved to
// ParkedPath(dir) with its record beside it, are moved to dir rather than
// written, where nobody has touched them; what is left there is for the caller
// to remove. Whether the record can be believed, the caller knows: it is the
// file that RecordPath(dir) was when that call returned. All else, directories
// included, is made as without it.
//
// With Park dir may also be what Prepare has made. It is brought to the revision.
//
// With Reuse dir may be there from an earlier such call, for whatever revision.
// Then files that are as they should be are not touched, files of the revision
// that are not, and those of the one before, are replaced or removed whatever has
// become of them, and what never was of a revision stays, unless it is in the way
// or Clean is set. dir + ".index" says what is there, and may be lost; what else
// begins with dir + ".index" is gone when the call is over, or with the next one.
// Only one call may have dir at a time. After an error, or a kill, dir may be
// between two revisions, and the next call mends it. It must have no mounts in it.
//
// It returns ErrMoved when the remote no longer gives the revision. It refuses
// what would fill the disk: 256 MB stay free, or a twentieth of a small one.
func (m *Mirror) Checkout(ctx context.Context, rev refs.Revision, dir string, o Options) error {
	held, err := o.held(rev)
	if err != nil {
		return fmt.Errorf("check out %q of %s: %w", rev.SHA, m.URL, err)
	}
	c := &checkout{Mirror: m, Options: o, progress: disk.ProgressOf(ctx), kept: m.depotFor(o), rev: held, wanted: rev.SHA, dir: dir}
	if err := c.explained(ctx, rev.SHA); err != nil {
		return err
	}
	c.tidyAll(ctx)
	return nil
}

// explained is run, with errors that say what was to be done.
func (c *checkout) explained(ctx context.Context, sha string) error {
	defer c.leaveLFS(ctx)
	if err := c.room(filepath.Dir(c.dir)).Explain(c.run(ctx)); err != nil {
		return fmt.Errorf("check out %s of %s: %w", sha, c.URL, err)
	}
	return nil
}

// checkout is one call of Checkout.
type checkout struct {
	*Mirror
	Options
	kept   *repo
	rev    mirror.Held // its commit is known once it is here
	wanted string      // that commit; "": whatever it is
	dir    string

	fresh      bool                    // all of the mirror came with this call
	known      func() *worktree.Record // what dir holds, or the parked directory; nil: it is not there
	git        *dotgit.Repository      // to be; nil: none
	tags       []remote.Tag            // of the remote
	part       worktree.Part           // of the plan: without submodules
	subs       []*submodule            // of the attempt
	worktree   string                  // of a submodule, from git on
	pointers   pointers                // of Git LFS, by blob, of the attempt
	lfsUsed    []lfsUse                // what stays as long as the checkout is made
	planned    *worktree.Plan          // of what is selected, made while the mirror was locked; nil: not yet
	unfiltered bool                    // nothing is to be left out, since the server does not give what it leaves out
	whole      bool                    // a remote that gives heads only is asked for all that they lead to

	base     object.ID       // what the revision will be compared with, which stays in the mirror; zero: nothing
	hurry    <-chan struct{} // of Prepare; nil: it is a checkout
	progress *disk.Progress  // nil: nobody asks
	noModes  bool            // the file system does not keep the modes of files
}

// revision is a revision with all that belongs to it, open.
type revision struct {
	store  *odb.Store
	plan   *worktree.Plan
	landed *worktree.TreeWriter // some of the files were written meanwhile; nil: none
}

// run makes the checkout, and once more with a new mirror if one is in doubt:
// that of the repository, or of a submodule.
func (c *checkout) run(ctx context.Context) error {
	if err := c.tryModes(ctx); err != nil {
		return err
	}
	attempt := c.attempt
	if info, err := os.Lstat(c.dir); err == nil {
		if !c.Reuse && !c.prepared() || !info.IsDir() {
			return &fs.PathError{Op: "create", Path: c.dir, Err: fs.ErrExist}
		}
		gone, err := c.discardForeign()
		if err != nil {
			return err
		}
		switch {
		case gone:
		case c.Reuse:
			attempt = c.update
		default:
			attempt = c.renew
		}
	}
	var thrown []*repo
	for spoilt := false; ; {
		err := c.withGit(ctx, attempt)
		if errors.Is(err, lfs.ErrSpoilt) && !spoilt {
			spoilt = true
			if err := c.weedLFS(ctx); err != nil {
				return err
			}
			continue
		}
		m, d, fresh := c.inDoubt(err)
		if m == nil || slices.Contains(thrown, d) {
			return err
		}
		if wiped := d.wipe(ctx); wiped != nil || fresh {
			return errors.Join(err, wiped)
		}
		if m.Log != nil {
			m.Log.WarnContext(ctx, "mirror thrown away, will be fetched anew", "url", m.URL.String(), "err", err)
		}
		thrown = append(thrown, d)
	}
}

// inDoubt is the mirror that an error casts doubt on, what it keeps of it, and
// whether all of that came with this call. Without one it is nil.
func (c *checkout) inDoubt(err error) (m *Mirror, d *repo, fresh bool) {
	var doubt *object.Damage
	if !errors.As(err, &doubt) {
		return nil, nil, false
	}
	m, d, fresh = c.Mirror, c.kept, c.fresh
	var of *submoduleError
	if errors.As(err, &of) {
		m, d, fresh = of.mirror, of.mirror.depot(1), of.fresh
	}
	if m.URL.Local() {
		return nil, nil, false
	}
	return m, d, fresh
}

func (c *checkout) attempt(ctx context.Context) error {
	if c.Park {
		c.findParked()
	}
	return c.publish(func(tmp string) error {
		r, err := c.open(ctx, tmp)
		if err != nil {
			return err
		}
		defer r.store.Close()
		if err := c.fill(ctx, r, tmp); err != nil {
			return err
		}
		return c.placeGit(tmp)
	})
}

// tidyAll keeps what was read from small.
func (c *checkout) tidyAll(ctx context.Context) {
	used := map[*repo]*Mirror{c.kept: c.Mirror}
	for _, sub := range c.subs {
		used[sub.mirror.depot(1)] = sub.mirror
	}
	for d, m := range used {
		if !m.URL.Local() {
			m.tidy(ctx, d)
		}
	}
}

// open finds the revision with its submodules, and fetches what is missing of
// it. What comes from a remote into an empty mirror goes to dir at once.
func (c *checkout) open(ctx context.Context, dir string) (*revision, error) {
	r := &revision{}
	var l *worktree.EarlyWriter
	var err error
	if r.store, l, err = c.reach(ctx, dir); err != nil {
		return nil, err
	}
	if r.plan, r.landed, err = c.makePlan(ctx, r.store, l); err == nil {
		err = c.graft(ctx, r)
	}
	if err == nil {
		err = c.applyAttributes(ctx, r)
	}
	if err == nil && c.LFS {
		err = c.findPointers(ctx, r)
	}
	if err != nil {
		r.store.Close()
		return nil, err
	}
	return r, nil
}

// reach opens what has the revision.
func (c *checkout) reach(ctx context.Context, dir string) (*odb.Store, *worktree.EarlyWriter, error) {
	if c.URL.Local() {
		s, err := c.openLocal(ctx)
		return s, nil, err
	}
	return c.obtain(ctx, dir)
}

// makePlan plans the revision, and what is still to be written where some of it
// has landed.
func (c *checkout) makePlan(ctx context.Context, s *odb.Store, l *worktree.EarlyWriter) (*worktree.Plan, *worktree.TreeWriter, error) {
	read := s.Reader().Read
	commit, tree, err := object.CommitOf(ctx, c.rev.ID, read)
	if err != nil {
		return nil, nil, err
	}
	if c.Tag != "" && commit.String() != c.wanted {
		return nil, nil, fmt.Errorf("the tag leads to %s, and the remote said %s", commit, c.wanted)
	}
	if l == nil {
		var known *worktree.Record
		if c.known != nil {
			known = c.known()
		}
		if c.planned != nil {
			return c.planned, nil, nil
		}
		p, err := worktree.MakeSparsePlan(ctx, known, c.Sparse, tree, read)
		return p, nil, err
	}
	w, err := l.Finish(ctx, tree, read)
	if err != nil {
		return nil, nil, err
	}
	return w.Plan, w, nil
}
