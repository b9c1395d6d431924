package wiring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/file"
)

const (
	repoDirLock   = "kitops.lock"
	mirrorsDir    = "mirrors"
	parksFile     = "kitops.parked.yaml" // what is known of parked workdirs, where the state is shared
	tempDirPrefix = "kitops-repos-"
	// freshDirPrefix is for those that are being made.
	freshDirPrefix = ".kitops-repos-"
	// fresh is how long a directory may be in the making.
	fresh = time.Hour
	// closing is for removing temporary ones; the rest is for the next agent.
	closing = 5 * time.Second
)

// RepoDir is the directory for clones and workdirs, held by this agent alone.
type RepoDir struct {
	Path      string
	Abandoned []string   // temporary ones of agents that were killed
	Lock      *file.Lock // on Path
	Doubt     error      // what speaks against Path, nil for nothing

	temporary bool // to be removed at the end
	locks     []*file.Lock
}

// OpenRepoDir makes and locks the directory. Without a path it makes a
// temporary one, and takes over those that killed agents left. Shared says
// that another user's actions must get through to their workdirs.
func OpenRepoDir(path string, shared bool, handed Handed) (*RepoDir, error) {
	d := &RepoDir{temporary: path == ""}
	open := func() error { return d.lasting(path, shared, handed) }
	if d.temporary {
		d.adoptAbandoned()
		open = d.lockTemporary
	}
	err := open()
	if err == nil {
		err = d.claim(shared)
	}
	if err != nil {
		d.Close()
		return nil, notMine(fmt.Errorf("directory for clones: %w", err))
	}
	return d, nil
}

// Keeps returns how many bytes of workdirs may be parked in the directory. One
// that ends with this look keeps none.
func (d *RepoDir) Keeps(c poller.Config) int64 {
	space, err := git.SpaceOf(d.Path)
	if err != nil || c.PollOnce && d.temporary {
		return 0
	}
	return c.KeepWorkdirs.Of(space)
}

// notMine makes a mistake in the settings of a directory that is somebody else's.
func notMine(err error) error {
	if _, ok := errors.AsType[*files.NotMineError](err); ok {
		return &settings.Error{Mistakes: []error{err}}
	}
	return err
}

// lasting opens the directory that the settings name. What is missing above it lets
// others through, too, if the directory is to.
func (d *RepoDir) lasting(path string, shared bool, handed Handed) error {
	mode := fs.FileMode(0o700)
	if shared {
		mode = 0o711
	}
	dir, err := files.MakeDir(path, mode)
	if err != nil {
		return err
	}
	defer dir.Close()
	d.Path, d.Doubt = dir.Path(), dir.Doubt()
	d.Lock, err = handed.lock(handedRepos, filepath.Join(d.Path, repoDirLock))
	return err
}

// lockTemporary makes and locks a temporary directory. Until it is locked it has
// another name, so that none who starts at the same moment takes it for abandoned.
func (d *RepoDir) lockTemporary() error {
	made, err := os.MkdirTemp("", freshDirPrefix+"*")
	if err == nil {
		made, _, err = files.Real(made)
	}
	if err != nil {
		return err
	}
	d.Path = made
	if d.Lock, err = file.AcquireLock(filepath.Join(made, repoDirLock)); err != nil || runtime.GOOS == "windows" { // renames nothing that is open
		return err
	}
	final := filepath.Join(filepath.Dir(made), tempDirPrefix+strings.TrimPrefix(filepath.Base(made), freshDirPrefix))
	err = d.Lock.MoveWith(func() (string, error) { return filepath.Join(final, repoDirLock), os.Rename(made, final) })
	if err == nil {
		d.Path = final
	}
	return err
}

// claim looks at what is in the directory before anything of it is used: none
// may be a link, or somebody else's.
func (d *RepoDir) claim(shared bool) error {
	d.locks = append(d.locks, d.Lock)
	dir, err := files.OpenDir(d.Path)
	if err != nil {
		return err
	}
	defer dir.Close()
	through := fs.FileMode(0o700)
	if shared {
		through = 0o711
		if err := letThrough(d.Path); err != nil {
			return err
		}
	}
	for name, mode := range map[string]fs.FileMode{poller.WorkDir: through, poller.KeptDir: through, poller.ParkDir: 0o700, mirrorsDir: 0o700, runnersDir: through} {
		if _, err := os.Lstat(filepath.Join(d.Path, name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		sub, err := dir.Sub(name, mode)
		if err != nil {
			return err
		}
		_ = sub.Close()
	}
	return nil
}

// letThrough lets others pass a directory without looking around in it.
func letThrough(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o111 == 0o111 {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|0o111)
}

// adoptAbandoned locks the temporary directories that have no agent any more.
func (d *RepoDir) adoptAbandoned() {
	candidates, _ := filepath.Glob(filepath.Join(os.TempDir(), tempDirPrefix+"*"))
	unfinished, _ := filepath.Glob(filepath.Join(os.TempDir(), freshDirPrefix+"*"))
	for _, dir := range append(candidates, unfinished...) {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ownedByMe(info) {
			continue
		}
		if strings.HasPrefix(filepath.Base(dir), freshDirPrefix) && time.Since(info.ModTime()) < fresh {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, repoDirLock)); err != nil {
			continue // being made, or not ours
		}
		lock, err := file.AcquireLock(filepath.Join(dir, repoDirLock))
		if err != nil {
			continue
		}
		d.locks = append(d.locks, lock)
		d.Abandoned = append(d.Abandoned, dir)
		_ = os.RemoveAll(filepath.Join(dir, mirrorsDir))
	}
}

// Close gives the directories up and removes temporary ones, unless something
// in them could not be removed soon: that is for the next agent.
func (d *RepoDir) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closing) //nolint:forbidigo // the agent has ended, and its context with it
	defer cancel()
	dirs := d.Abandoned
	if d.temporary && d.Path != "" {
		dirs = append(dirs, d.Path)
	}
	for _, dir := range dirs {
		gone := errors.Join(files.RemoveTree(ctx, filepath.Join(dir, mirrorsDir)), files.RemoveTree(ctx, filepath.Join(dir, runnersDir)), poller.Clear(ctx, dir))
		if err := os.Remove(filepath.Join(dir, poller.WorkDir)); gone == nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
			_ = os.Remove(filepath.Join(dir, repoDirLock))
		}
	}
	for _, lock := range d.locks {
		_ = lock.Release()
	}
	for _, dir := range dirs {
		_ = os.Remove(dir)
	}
}
