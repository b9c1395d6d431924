package poller

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/files"
)

// WorkDir is where the workdirs of runs are, each in a folder of the run's ID.
const WorkDir = "work"

// workdir names the folder in which a run's actions work. Its last element is
// the task, because programs take the folder's name for the project's.
func (p *Poller) workdir(task Task, run Run) string {
	folder := filepath.Join(p.RepoDir, WorkDir, run.ID)
	if task.keeps(run) {
		folder = p.keptDir(task.Name, task.URL, run.Revision.Ref)
	}
	return filepath.Join(folder, fileName(run.Task))
}

// makeWorkdir makes what the workdir stands in. The user of the actions must get
// through, and nobody else: what is checked out, and its .git, is often private.
func (p *Poller) makeWorkdir(dir string, user *actions.User) error {
	all, own, group := fs.FileMode(0o700), fs.FileMode(0o700), -1
	if p.User != nil || p.Untrusted != nil {
		all = 0o711
	}
	if user != nil {
		own, group = 0o710, user.GID
	}
	above := filepath.Dir(dir)
	err := makeOwn(filepath.Dir(above), all, -1)
	if err == nil {
		err = makeOwn(above, own, group)
	}
	if err != nil {
		return fmt.Errorf("make a workdir: %w", err)
	}
	return nil
}

// makeOwn makes a directory in one that is kitops' own, and gives it to a group,
// unless that is -1.
func makeOwn(path string, mode fs.FileMode, group int) error {
	above, err := files.MakeDir(filepath.Dir(path), 0o700)
	if err != nil {
		return err
	}
	defer above.Close()
	dir, err := above.Sub(filepath.Base(path), mode)
	if err != nil {
		return err
	}
	if group >= 0 {
		err = dir.SetGroup(group)
	}
	return errors.Join(err, dir.Close())
}

// leave gives up the workdir of a run, unless it is kept.
func (p *Poller) leave(task Task, run Run, workdir string) {
	if !task.keeps(run) {
		p.leftovers.add(filepath.Dir(workdir))
		p.discard(p.keptDir(task.Name, task.URL, run.Revision.Ref)) // from before the task was changed
	}
}

// findLeftovers notes what earlier agents left. The folders of pending runs
// are held back until those are closed, since something may still work there.
func (p *Poller) findLeftovers(pending map[string]bool) error {
	return p.eachFolder(WorkDir, func(path string) {
		if run := filepath.Base(path); !pending[run] || !p.leftovers.hold(run, path) {
			p.leftovers.add(path)
		}
	})
}

// pendingRuns are the runs that have a start and no end, by ID.
func pendingRuns(all map[string]State) map[string]bool {
	pending := map[string]bool{}
	for _, state := range all {
		for _, r := range state.Refs {
			if r.unfinished() {
				pending[r.Run.ID] = true
			}
		}
	}
	return pending
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
