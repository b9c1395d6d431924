package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// dotGit is the .git of a checkout while it is made, in a directory beside it.
// It is always made anew: nothing that an action left in one is trusted.
type dotGit struct {
	dir   string
	old   string // where the one before goes, to be removed
	owner *safedir.Owner
	room  *disk.FreeSpace // for what is copied
}

// withGit gives the checkout a directory for its .git, if it is to have one,
// while do is going on.
func (c *checkout) withGit(ctx context.Context, do func(context.Context) error) error {
	if !c.DotGit {
		return do(ctx)
	}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o700); err != nil {
		return err
	}
	c.git = &dotGit{dir: c.dir + ".git.tmp", old: c.dir + ".git.old", owner: c.Owner, room: c.room(filepath.Dir(c.dir))}
	defer func() { _ = os.RemoveAll(c.git.dir) }() // after place there is nothing to remove
	if err := c.git.begin(); err != nil {
		return err
	}
	return do(ctx)
}

func (g *dotGit) begin() error {
	err := errors.Join(os.RemoveAll(g.dir), removeTree(g.old)) // a crash left them
	for _, dir := range []string{"", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags", "info"} {
		path := filepath.Join(g.dir, filepath.FromSlash(dir))
		err = errors.Join(err, os.Mkdir(path, 0o755), os.Chmod(path, 0o755)) // whatever the umask
	}
	return err
}

func (g *dotGit) packDir() string { return filepath.Join(g.dir, "objects", "pack") }

// borrow takes all packs of a mirror. The caller has that for itself.
func (g *dotGit) borrow(ctx context.Context, b *mirror.Bare, c *checkout) error {
	a, err := b.History(ctx, c.rev)
	if err != nil {
		return err
	}
	for _, p := range b.Store.Packs {
		for _, ext := range []string{".pack", ".idx"} { // in git's order
			if err := g.take(ctx, b.PackName(p.Index.Pack)+ext); err != nil {
				return err
			}
		}
	}
	cut := a.Cut // the packs have commits of other revisions, too
	for _, id := range a.Ends {
		cut[id] = true
	}
	return g.write(c, mirror.Sorted(cut))
}

// take makes a link to a file of a pack, or a copy where that cannot be, or
// another user is to have it. Git itself never writes to such a file.
func (g *dotGit) take(ctx context.Context, path string) error {
	to := filepath.Join(g.packDir(), filepath.Base(path))
	if g.owner == nil && os.Chmod(path, 0o444) == nil && os.Link(path, to) == nil {
		return nil
	}
	from, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return object.Damaged("a pack is gone: %w", err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = io.Copy(&disk.CountingWriter{Ctx: ctx, W: f}, g.room.Reader(from))
	return errors.Join(err, f.Close())
}

// copyFrom takes what the history needs out of a repository of this host, which
// changes as it likes.
func (g *dotGit) copyFrom(ctx context.Context, l local.Repository, s *odb.Store, c *checkout) error {
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
	path, encoded, sum, err := odb.Repack(ctx, s, g.packDir(), func(r *odb.Repacker) error {
		r.Limit, r.Room = c.maxSize(), g.room
		return r.Gather(ctx, a, tags)
	})
	if err != nil {
		return err
	}
	name := filepath.Join(g.packDir(), "pack-"+sum.String())
	err = errors.Join(os.Chmod(path, 0o444), os.Rename(path, name+".pack"), os.WriteFile(name+".idx", encoded, 0o444))
	if err != nil {
		return err
	}
	ends := map[object.ID]bool{}
	for _, id := range a.Ends {
		ends[id] = true
	}
	return g.write(c, mirror.Sorted(ends))
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
	tags := ad.Tags()
	c.choose(ctx, tags, len(tags))
	r := s.Reader()
	for i, t := range c.tags {
		if commit, _, err := object.CommitOf(ctx, t.ID, r.Read); err == nil {
			c.tags[i].Target = commit
		}
	}
	c.tags = keepTags(c.tags, a.Has)
	return ctx.Err()
}

// index writes what git knows of the files of the checkout.
func (g *dotGit) index(p *worktree.Plan, found []index.FileStat) error {
	if g == nil {
		return nil
	}
	return g.save("index", index.Encode(p.Index(found)))
}

// place makes it the .git of a directory. Whatever has that name there goes. A
// crash may leave the directory without one, and what was one beside it.
func (g *dotGit) place(dir string) error {
	if g == nil {
		return nil
	}
	if err := g.handOver(g.dir); err != nil {
		return err
	}
	at := filepath.Join(dir, ".git")
	err := os.Rename(at, g.old)
	if errors.Is(err, fs.ErrPermission) && safedir.Unlock(dir, ".git") == nil { // what is locked cannot be moved either
		err = os.Rename(at, g.old)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(g.dir, at), removeTree(g.old))
}

// removeTree removes what an action may have locked.
func removeTree(path string) error {
	above, name := filepath.Split(path)
	out, err := safedir.Open(filepath.Clean(above)+string(filepath.Separator)+".", nil) // be it a link
	if err != nil {
		return err
	}
	defer out.Close()
	id, err := out.Identity()
	if err != nil {
		return err
	}
	out.Dev = id.Dev
	return out.RemoveAll(0, name)
}

// handOver gives a directory to the owner, what is in it first: as long as he
// owns none of the directories above a name, he cannot change what it means.
func (g *dotGit) handOver(dir string) error {
	if g.owner == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			err = g.handOver(path)
		} else {
			err = os.Lchown(path, g.owner.UID, g.owner.GID)
		}
		if err != nil {
			return fmt.Errorf("give .git away: %w", err)
		}
	}
	return os.Lchown(dir, g.owner.UID, g.owner.GID)
}
