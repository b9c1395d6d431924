package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
)

// withGit gives the checkout a directory for its .git, if it is to have one,
// while do is going on.
func (c *checkout) withGit(ctx context.Context, do func(context.Context) error) error {
	if !c.DotGit {
		return do(ctx)
	}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o700); err != nil {
		return err
	}
	c.git = &dotgit.Repository{Dir: c.dir + ".git.tmp", Old: c.dir + ".git.old", Owner: c.Owner, Room: c.room(filepath.Dir(c.dir))}
	defer func() { _ = os.RemoveAll(c.git.Dir) }() // after place there is nothing to remove
	if err := c.git.Begin(); err != nil {
		return err
	}
	return do(ctx)
}

// borrowPacks takes all packs of a mirror. The caller has that for itself.
func (c *checkout) borrowPacks(ctx context.Context, b *mirror.Bare) error {
	a, err := b.History(ctx, c.rev)
	if err != nil {
		return err
	}
	for _, p := range b.Store.Packs {
		for _, ext := range []string{".pack", ".idx"} { // in git's order
			if err := c.git.Take(ctx, b.PackName(p.Index.Pack)+ext); err != nil {
				return err
			}
		}
	}
	cut := a.Cut // the packs have commits of other revisions, too
	for _, id := range a.Ends {
		cut[id] = true
	}
	s := c.spec(cut)
	if s.Promisor = b.Filtered; s.Promisor {
		err = c.git.Promise()
	}
	return errors.Join(err, c.git.Write(s))
}

// copyHistory takes what the history needs out of a repository of this host, which
// changes as it likes.
func (c *checkout) copyHistory(ctx context.Context, l local.Repository, s *odb.Store) error {
	r := s.Reader()
	var err error
	if c.rev.Commit, _, err = object.CommitOf(ctx, c.rev.ID, r.Read); err != nil {
		return err
	}
	cut, err := l.Shallow()
	if err != nil {
		return err
	}
	a := &ancestry.Ancestry{Read: r.Read, Depth: c.kept.depth, Cut: cut}
	if err := a.Walk(ctx, c.rev.Commit); err != nil {
		return err
	}
	if err := c.localTags(ctx, l, s, a); err != nil {
		return err
	}
	tags := []object.ID{c.rev.ID}
	for _, t := range c.tags {
		tags = append(tags, t.ID)
	}
	path, index, sum, err := odb.Repack(ctx, s, c.git.PackDir(), func(r *odb.Repacker) error {
		r.Limit, r.Room = c.maxSize(), c.git.Room
		return r.Gather(ctx, a, tags)
	})
	if err != nil {
		return err
	}
	name := filepath.Join(c.git.PackDir(), "pack-"+sum.String())
	err = errors.Join(files.Chmod(path, 0o444), os.Rename(path, name+".pack"), files.Chmod(index, 0o444), os.Rename(index, name+".idx"))
	if err != nil {
		return err
	}
	ends := map[object.ID]bool{}
	for _, id := range a.Ends {
		ends[id] = true
	}
	return c.git.Write(c.spec(ends))
}

// localTags finds those that lead into a history.
func (c *checkout) localTags(ctx context.Context, l local.Repository, s *odb.Store, a *ancestry.Ancestry) error {
	if !c.tagged() {
		return nil
	}
	ad, err := l.Advertisement(ctx)
	if err != nil {
		return err
	}
	tags, count := ad.Tags()
	c.choose(ctx, tags, count)
	r := s.Reader()
	for i, t := range c.tags {
		if commit, _, err := object.CommitOf(ctx, t.ID, r.Read); err == nil {
			c.tags[i].Target = commit
		}
	}
	c.tags = keepTags(c.tags, a.Has)
	return ctx.Err()
}

// spec says what the .git is of. cut are the commits without parents.
func (c *checkout) spec(cut map[object.ID]bool) dotgit.Spec {
	s := dotgit.Spec{
		URL: c.URL, Ref: c.rev.Ref, ID: c.rev.ID, Commit: c.rev.Commit,
		Worktree: c.worktree,
		Cut:      c.kept.depth != ancestry.FullHistory, Shallow: mirror.Sorted(cut), Tags: c.tags, NoModes: c.noModes,
	}
	if c.Sparse != nil {
		s.Sparse, s.Cone = c.Sparse.Text(), c.Sparse.Directories()
	}
	return s
}

// indexGit writes what git knows of the files of the checkout, and of those of submodules.
func (c *checkout) indexGit(ctx context.Context, r *revision, found []index.FileStat) error {
	if c.git == nil {
		return nil
	}
	p := r.plan
	var x *index.File
	var err error
	if p.Partial() {
		x, err = p.SparseIndex(ctx, c.part, found, r.store.Reader().Read)
	} else {
		x = p.Index(c.part, found)
	}
	if err == nil {
		err = c.git.Index(x)
	}
	for _, s := range c.subs {
		err = errors.Join(err, s.git.Index(p.Index(s.part, found)))
	}
	return err
}

// placeGit makes the .git that of a directory.
func (c *checkout) placeGit(dir string) error {
	if c.git == nil {
		return nil
	}
	return c.git.Place(dir)
}
