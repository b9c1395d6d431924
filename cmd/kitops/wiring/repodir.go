package wiring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
)

const (
	repoDirLock   = "kitops.lock"
	mirrorsDir    = "mirrors"
	tempDirPrefix = "kitops-repos-"
	// freshDirPrefix is for those that are being made.
	freshDirPrefix = ".kitops-repos-"
	// fresh is how long a directory may be in the making.
	fresh = time.Hour
)

// RepoDir is the directory for clones and workdirs, held by this agent alone.
type RepoDir struct {
	Path      string
	temporary bool     // to be removed at the end
	Abandoned []string // temporary ones of agents that were killed
	locks     []*store.Lock
}

// OpenRepoDir makes and locks the directory. Without a path it makes a
// temporary one, and takes over those that killed agents left. Shared says
// that another user's actions must get through to their workdirs.
func OpenRepoDir(path string, shared bool) (*RepoDir, error) {
	d := &RepoDir{Path: path, temporary: path == ""}
	var err error
	if d.temporary {
		d.adoptAbandoned()
		err = d.lockTemporary()
	} else if d.Path, err = filepath.Abs(path); err == nil {
		if err = os.MkdirAll(d.Path, 0o700); err == nil {
			err = d.lock()
		}
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("directory for clones: %w", err)
	}
	if shared {
		if err := letThrough(d.Path); err != nil {
			d.Close()
			return nil, fmt.Errorf("directory for clones: %w", err)
		}
	}
	return d, nil
}

// lockTemporary makes and locks a temporary directory. Until it is locked it has
// another name, so that none who starts at the same moment takes it for abandoned.
func (d *RepoDir) lockTemporary() error {
	made, err := os.MkdirTemp("", freshDirPrefix+"*")
	if err != nil {
		d.temporary = false // there is nothing to remove
		return err
	}
	d.Path = made
	if err := d.lock(); err != nil || runtime.GOOS == "windows" { // renames nothing that is open
		return err
	}
	final := filepath.Join(filepath.Dir(made), tempDirPrefix+strings.TrimPrefix(filepath.Base(made), freshDirPrefix))
	if err := os.Rename(made, final); err != nil {
		return err
	}
	d.Path = final
	return nil
}

func (d *RepoDir) lock() error {
	lock, err := store.AcquireLock(filepath.Join(d.Path, repoDirLock))
	if err == nil {
		d.locks = append(d.locks, lock)
	}
	return err
}

// letThrough lets others pass a directory without looking around in it.
func letThrough(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
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
		lock, err := store.AcquireLock(filepath.Join(dir, repoDirLock))
		if err != nil {
			continue
		}
		d.locks = append(d.locks, lock)
		d.Abandoned = append(d.Abandoned, dir)
		_ = os.RemoveAll(filepath.Join(dir, mirrorsDir))
	}
}

// Close gives the directories up and removes temporary ones, unless something
// in them could not be removed: that is for the next agent.
func (d *RepoDir) Close() {
	dirs := d.Abandoned
	if d.temporary {
		dirs = append(dirs, d.Path)
	}
	for _, dir := range dirs {
		_ = os.RemoveAll(filepath.Join(dir, mirrorsDir))
		kept := poller.Clear(dir)
		if err := os.Remove(filepath.Join(dir, "work")); kept == nil && (err == nil || errors.Is(err, os.ErrNotExist)) {
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
