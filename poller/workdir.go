package poller

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// workRoot is where the workdirs of runs are, each in a folder of the run's ID.
const workRoot = "work"

// leftovers are folders of runs that could not be removed yet, or that an
// earlier agent left.
type leftovers struct {
	mu   sync.Mutex
	dirs map[string]bool
	held map[string]string // by ID, the folders of runs that may still be going on
}

// workdir names the folder in which a run's actions work. Its last element is
// the task, because programs take the folder's name for the project's.
func (p *Poller) workdir(task Task, run Run) string {
	folder := filepath.Join(p.RepoDir, workRoot, run.ID)
	if task.Keep {
		folder = p.keptDir(task.Name, task.URL, run.Revision.Ref)
	}
	return filepath.Join(folder, fileName(run.Task))
}

// makeWorkdir makes what the workdir stands in.
func (p *Poller) makeWorkdir(dir string) error {
	mode := fs.FileMode(0o700)
	if p.User != nil {
		mode = 0o711 // the user must get through, and need not look around
	}
	above := filepath.Dir(dir)
	for _, d := range []string{filepath.Dir(above), above} {
		if err := os.MkdirAll(d, mode); err != nil {
			return fmt.Errorf("make a workdir: %w", err)
		}
		if err := os.Chmod(d, mode); err != nil {
			return fmt.Errorf("make a workdir: %w", err)
		}
	}
	return nil
}

// leave gives up the workdir of a run, unless it is kept.
func (p *Poller) leave(task Task, run Run, workdir string) {
	if !task.Keep {
		p.leftovers.add(filepath.Dir(workdir))
		p.discard(p.keptDir(task.Name, task.URL, run.Revision.Ref)) // from before the task was changed
	}
}

// findLeftovers notes what earlier agents left. The folders of pending runs
// are held back until those are closed, since something may still work there.
func (p *Poller) findLeftovers(pending map[string]bool) error {
	p.leftovers.held = map[string]string{}
	for _, dir := range append([]string{p.RepoDir}, p.Abandoned...) {
		root := filepath.Join(dir, workRoot)
		entries, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the directory for clones: %w", err)
		}
		for _, entry := range entries {
			if path := filepath.Join(root, entry.Name()); pending[entry.Name()] {
				p.leftovers.held[entry.Name()] = path
			} else {
				p.leftovers.add(path)
			}
		}
	}
	return nil
}

// clearClosed removes the workdir of a run that a crash cut off.
func (p *Poller) clearClosed(id string) error {
	p.leftovers.mu.Lock()
	dir, left := p.leftovers.held[id]
	delete(p.leftovers.held, id)
	p.leftovers.mu.Unlock()
	if left {
		p.leftovers.add(dir)
	}
	return p.leftovers.sweep()
}

func (l *leftovers) add(dir string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirs == nil {
		l.dirs = map[string]bool{}
	}
	l.dirs[dir] = true
}

// sweep tries to remove everything that is left over. What it cannot remove
// is named in the error and tried again by the next sweep.
func (l *leftovers) sweep() error {
	l.mu.Lock()
	mine := l.dirs
	l.dirs = nil // each folder is one sweep's at a time
	l.mu.Unlock()
	var errs []error
	for dir := range mine {
		if err := removeTree(dir); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", dir, err))
			l.add(dir)
		}
	}
	return errors.Join(errs...)
}

// removeTree removes a folder, also one with folders that its owner may not
// write to (a Go module cache has them), and never reaches across a mount:
// what an action mounted and forgot may be somebody's data.
func removeTree(dir string) error {
	mounted, err := mountBelow(dir)
	if err != nil {
		return err
	}
	if mounted != "" {
		return fmt.Errorf("%s is a mount point: unmount it and kitops removes the rest", mounted)
	}
	err = os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	root, opened := os.OpenRoot(dir)
	if opened != nil {
		return err
	}
	defer root.Close()
	unlock(root)
	return os.RemoveAll(dir)
}

// unlock lets the owner write to every folder below. It opens each folder
// from the one above, so that no link leads it elsewhere.
func unlock(root *os.Root) {
	_ = root.Chmod(".", 0o700)
	entries, _ := fs.ReadDir(root.FS(), ".")
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		_ = root.Chmod(entry.Name(), 0o700)
		if below, err := root.OpenRoot(entry.Name()); err == nil {
			unlock(below)
			_ = below.Close()
		}
	}
}

// fileName makes a task's name one that every file system and shell takes.
func fileName(task string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, task)
	name = strings.TrimLeft(name, ".-")
	if len(name) > 64 {
		name = name[:64]
	}
	if name == "" {
		return "workdir"
	}
	return name
}
