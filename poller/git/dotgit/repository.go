package dotgit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// Repository is the .git of a checkout while it is made, in a directory beside it.
// It is always made anew: nothing that an action left in one is trusted.
type Repository struct {
	Dir   string // where it is made
	Old   string // where the one before goes, to be removed
	Owner *safedir.Owner
	Room  *disk.FreeSpace // for what is copied
}

// Begin makes the directories. What a call that was killed left of one goes.
func (g *Repository) Begin() error {
	return errors.Join(os.RemoveAll(g.Dir), RemoveTree(g.Old), g.make()) // a crash left them
}

func (g *Repository) make() error {
	var err error
	for _, dir := range []string{"", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags", "info"} {
		err = errors.Join(err, makeDir(filepath.Join(g.Dir, filepath.FromSlash(dir))))
	}
	return err
}

// makeDir makes a directory that all may read, whatever the umask.
func makeDir(path string) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	return files.Chmod(path, 0o755)
}

// PackDir is where its packs go.
func (g *Repository) PackDir() string { return filepath.Join(g.Dir, "objects", "pack") }

// Take makes a link to a file of a pack, or a copy where that cannot be, or
// another user is to have it. Git itself never writes to such a file.
func (g *Repository) Take(ctx context.Context, path string) error {
	to := filepath.Join(g.PackDir(), filepath.Base(path))
	if g.Owner == nil && os.Chmod(path, 0o444) == nil && os.Link(path, to) == nil {
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
	_, err = io.Copy(&disk.CountingWriter{Ctx: ctx, W: f}, g.Room.Reader(from))
	return errors.Join(err, f.Close())
}

// Promise says of all packs that are here that what they lead to need not be here, too.
func (g *Repository) Promise() error {
	packs, err := filepath.Glob(filepath.Join(g.PackDir(), "*.pack"))
	for _, p := range packs {
		err = errors.Join(err, g.save("objects/pack/"+strings.TrimSuffix(filepath.Base(p), ".pack")+".promisor", nil))
	}
	return err
}

// save writes a file that all may read, whatever the umask.
func (g *Repository) save(name string, content []byte) error {
	path := filepath.Join(g.Dir, filepath.FromSlash(name))
	return errors.Join(os.WriteFile(path, content, 0o644), files.Chmod(path, 0o644))
}

// Index writes what git knows of the files of the checkout.
func (g *Repository) Index(x *index.File) error { return g.save("index", index.Encode(x)) }

// Place makes it the .git of a directory. Whatever has that name there goes. A
// crash may leave the directory without one, and what was one beside it.
func (g *Repository) Place(dir string) error {
	if err := g.handOver(g.Dir); err != nil {
		return err
	}
	at := filepath.Join(dir, ".git")
	err := os.Rename(at, g.Old)
	if errors.Is(err, fs.ErrPermission) && safedir.Unlock(dir, ".git") == nil { // what is locked cannot be moved either
		err = os.Rename(at, g.Old)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(g.Dir, at), RemoveTree(g.Old))
}

// RemoveTree removes what an action may have locked.
func RemoveTree(path string) error {
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
func (g *Repository) handOver(dir string) error {
	if g.Owner == nil {
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
			err = os.Lchown(path, g.Owner.UID, g.Owner.GID)
		}
		if err != nil {
			return fmt.Errorf("give .git away: %w", err)
		}
	}
	return os.Lchown(dir, g.Owner.UID, g.Owner.GID)
}
