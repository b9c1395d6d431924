package poller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/files"
)

// KeptDir is where workdirs are that stay from run to run, each in a folder of
// its task, repository and ref.
const KeptDir = "kept"

// keptDir names the folder of a workdir that is kept.
func (p *Poller) keptDir(task, url, ref string) string { return p.refDir(KeptDir, task, url, ref) }

// refDir names a folder of a ref, among those of a kind.
func (p *Poller) refDir(kind, task, url, ref string) string {
	sum := sha256.Sum256([]byte(task + "\x00" + url + "\x00" + ref))
	return filepath.Join(p.RepoDir, kind, hex.EncodeToString(sum[:12]))
}

// checkKept makes sure that a workdir can be brought up to date. One with a mount
// in it is refused: to update it means to remove files, and what is mounted may
// be somebody's data. A file or a link in its place, which an action may have put
// there, is removed.
func checkKept(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return os.Remove(dir)
	}
	mounted, err := files.MountBelow(dir)
	if err == nil && mounted != "" {
		err = fmt.Errorf("%s is a mount point in a workdir that is to be used again: unmount it", mounted)
	}
	return err
}

// findKept discards the kept workdirs that no task will use again. One of a
// pending run, in which something may still work, waits until the run is closed.
// It comes after findLeftovers.
func (p *Poller) findKept(all map[string]State) error {
	wanted, pending := p.expectedKept(all)
	return p.eachFolder(KeptDir, func(path string) {
		switch run := pending[filepath.Base(path)]; {
		case wanted[path]:
		case run != "" && p.leftovers.hold(run, path):
		default:
			p.discard(path)
		}
	})
}

// expectedKept returns the folders that tasks will use again, and by its name
// the pending run of each that has one: an agent that is gone may have had the
// folder in another directory.
func (p *Poller) expectedKept(all map[string]State) (wanted map[string]bool, pending map[string]string) {
	wanted, pending = map[string]bool{}, map[string]string{}
	for key, state := range all {
		use := p.keeps(key) || state.unfinished()
		for ref, r := range state.Refs {
			dir := p.keptDir(key, state.URL, ref)
			if use {
				wanted[dir] = true
			}
			if r.unfinished() {
				pending[filepath.Base(dir)] = r.Run.ID
			}
		}
	}
	return wanted, pending
}

// eachFolder visits what is in a folder of this name, here and in the
// directories of agents that are gone.
func (p *Poller) eachFolder(name string, visit func(path string)) error {
	for _, dir := range append([]string{p.RepoDir}, p.Abandoned...) {
		root := filepath.Join(dir, name)
		entries, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the directory for clones: %w", err)
		}
		for _, entry := range entries {
			visit(filepath.Join(root, entry.Name()))
		}
	}
	return nil
}

func (p *Poller) keeps(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tasks {
		if t.Name == name {
			return t.Keep
		}
	}
	return false
}

// dropKept discards the kept workdirs of refs that a memory had and has no
// more, and says whether there were any. The next sweep removes them.
func (p *Poller) dropKept(task string, before, after State) (dropped bool) {
	for ref := range before.Refs {
		if _, still := after.Refs[ref]; !still || before.URL != after.URL {
			dropped = p.discard(p.keptDir(task, before.URL, ref)) || dropped
			dropped = p.evict([]string{p.parkDir(task, before.URL, ref)}) || dropped
		}
	}
	return dropped
}

// discard moves a kept workdir to where nobody will look for it, to be removed.
func (p *Poller) discard(dir string) bool {
	if _, err := os.Lstat(dir); err != nil {
		return false
	}
	away := filepath.Join(p.RepoDir, WorkDir, newRunID(stamp()))
	if os.MkdirAll(filepath.Dir(away), 0o700) != nil || os.Rename(dir, away) != nil {
		away = dir
	}
	p.leftovers.add(away)
	return true
}

// vacate discards the kept workdirs of a task that is gone.
func (w *watch) vacate(ctx context.Context) {
	w.p.mu.Lock()
	dropped := w.p.watches[w.mem.Key] == nil && w.p.dropKept(w.mem.Key, w.mem.State, State{})
	w.p.mu.Unlock()
	if dropped {
		w.p.sweepSoon(ctx)
	}
}

// Clear removes the workdirs that a poller without a lasting directory kept.
func Clear(ctx context.Context, repoDir string) error {
	return errors.Join(files.RemoveTree(ctx, filepath.Join(repoDir, KeptDir)), files.RemoveTree(ctx, filepath.Join(repoDir, ParkDir)))
}
