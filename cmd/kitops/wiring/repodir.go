package wiring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
)

const (
	repoDirLock   = "kitops.lock"
	mirrorsDir    = "mirrors"
	tempDirPrefix = "kitops-repos-"
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
		d.Path, err = os.MkdirTemp("", tempDirPrefix+"*")
	} else if d.Path, err = filepath.Abs(path); err == nil {
		err = os.MkdirAll(d.Path, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("directory for clones: %w", err)
	}
	lock, err := store.AcquireLock(filepath.Join(d.Path, repoDirLock))
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("directory for clones: %w", err)
	}
	d.locks = append(d.locks, lock)
	if shared {
		if err := letThrough(d.Path); err != nil {
			d.Close()
			return nil, fmt.Errorf("directory for clones: %w", err)
		}
	}
	return d, nil
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
	for _, dir := range candidates {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || !ownedByMe(info) {
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
