package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// update brings a directory that is there to a revision, and touches nothing in
// it that is as it should be.
//
// What the next update must know in order not to take a file of this one for
// somebody else's is on disk before a file is made: first a journal of names,
// and in the end the record of all that is there.
type update struct {
	*treeWriter
	*match
	known     *record
	inspected *inspection
	clean     bool
	keep      string // with clean: a name in dir that stays; "": none
	id        dirID
	since     fileTime

	kept    []bool        // of each file: it was as it should be
	present []bool        // of each directory: it was there
	touched []atomic.Bool // of each directory: what is in it must be looked at again
	inside  groups        // directories in directories
}

// stagePath is a directory of ours beside a kept one.
func stagePath(dir string) string { return dir + ".index.tmp" }

// makeStage makes an empty one, and says when by the clock of its file system.
func makeStage(dir string) (fileTime, error) {
	stage := stagePath(dir)
	if err := os.RemoveAll(stage); err != nil {
		return fileTime{}, err
	}
	if err := os.Mkdir(stage, 0o700); err != nil {
		return fileTime{}, err
	}
	return changedAt(stage)
}

// identify tells a directory from others.
func identify(dir string) (dirID, error) {
	out, err := openOutDir(dir, &plan{dirs: []planDir{{}}})
	if err != nil {
		return dirID{}, err
	}
	defer out.close()
	return out.identity()
}

// update is attempt for a directory that is there.
func (c *checkout) update(ctx context.Context) error {
	id, err := identify(c.dir)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(c.dir, 0o755) == nil { // locked by an action of the agent's user
		id, err = identify(c.dir)
	}
	if err != nil {
		return err
	}
	c.known = sync.OnceValue(func() *record { return loadRecord(c.dir, id) })
	n := &inspection{owner: c.Owner, dev: id.dev}
	r, err := c.openMeanwhile(ctx, func(ctx context.Context) error { return n.run(ctx, c.dir, c.known()) })
	if err != nil {
		return err
	}
	defer r.store.close()
	w := &treeWriter{
		fileOptions: c.fileOptions(), dir: c.dir, plan: r.plan, dev: id.dev, stage: stagePath(c.dir),
		done: make([]atomic.Bool, len(r.plan.files)), found: make([]fileStat, len(r.plan.files)),
	}
	u := &update{
		treeWriter: w, match: r.plan.match(), known: c.known(), inspected: n, clean: c.Clean, id: id,
		kept: make([]bool, len(r.plan.files)), present: make([]bool, len(r.plan.dirs)), touched: make([]atomic.Bool, len(r.plan.dirs)),
	}
	if c.DotGit {
		u.keep = ".git"
	}
	if err := u.run(ctx, r.store); err != nil {
		return c.blame(ctx, r.plan, err)
	}
	c.warnOfLeft(ctx, r)
	if err := c.git.index(w); err != nil {
		return err
	}
	return c.git.place(c.dir)
}

// openMeanwhile is open while something else is done.
func (c *checkout) openMeanwhile(ctx context.Context, work func(context.Context) error) (*revision, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return work(ctx) })
	var r *revision
	group.Go(func() (err error) {
		r, err = c.open(ctx, "")
		return err
	})
	err := group.Wait()
	if err != nil && r != nil {
		r.store.close()
	}
	return r, err
}

func (u *update) run(ctx context.Context, s *store) (err error) {
	if u.since, err = makeStage(u.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(u.stage)) }()
	if err := u.writeJournal(); err != nil {
		return err
	}
	if err := u.removeStale(ctx); err != nil {
		return err
	}
	if err := u.survey(ctx); err != nil {
		return err
	}
	if err := u.makeDirs(ctx); err != nil {
		return err
	}
	if err := u.writeAll(ctx, s); err != nil {
		return err
	}
	if err := u.verify(ctx); err != nil {
		return err
	}
	return u.save()
}

// writeJournal notes what will be here that is not in the record, and what may
// be here from updates before that did not come so far as to write one.
func (u *update) writeJournal() error {
	var added []indexEntry
	for i, d := range u.plan.dirs {
		if d.was == 0 && d.mode == modeSubmodule {
			added = append(added, indexEntry{path: u.plan.dirPath(int32(i)), mode: d.mode})
		}
	}
	for i, f := range u.plan.files {
		if u.was[i] < 0 {
			added = append(added, indexEntry{path: u.plan.filePath(f), mode: f.mode})
		}
	}
	sortEntries(added)
	if len(added) == 0 {
		return nil // what was in the journal stays in it
	}
	x := &indexFile{entries: mergeEntries(u.known.journal, added)}
	return saveRecord(journalPath(u.dir), u.tmp(), x, u.since, u.id)
}

func (u *update) tmp() string { return filepath.Join(u.stage, "index") }

// save says what is here now.
func (u *update) save() error {
	if err := saveRecord(recordPath(u.dir), u.tmp(), u.plan.recorded(u.found, u.was), u.since, u.id); err != nil {
		return err
	}
	return forget(journalPath(u.dir))
}

func forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// remember records what is in a directory that is about to get its name.
func (c *checkout) remember(tmp string, w *treeWriter) (err error) {
	id, err := identify(tmp)
	if err != nil {
		return err
	}
	since, err := makeStage(c.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stagePath(c.dir))) }()
	if err := forget(journalPath(c.dir)); err != nil {
		return err
	}
	return saveRecord(recordPath(c.dir), filepath.Join(stagePath(c.dir), "index"), w.plan.recorded(w.found, nil), since, id)
}
