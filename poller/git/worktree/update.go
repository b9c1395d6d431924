package worktree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// Kept is a directory that is there, and the plan that it is brought to.
type Kept struct {
	Dir       string
	ID        safedir.ID // of the directory, see Identify
	Known     *Record    // what is in it, as far as that is known
	Inspected *Inspection
	Plan      *Plan
	Clean     bool   // remove what is in it and not of the plan
	Keep      string // with Clean: a name in it that stays; "": none
	FileOptions
}

// Update brings a directory that is there to a plan, and touches nothing in it
// that is as it should be. It returns what the file system says of each file.
//
// What the next update must know in order not to take a file of this one for
// somebody else's is on disk before a file is made: first a journal of names,
// and in the end the record of all that is there.
func Update(ctx context.Context, s *odb.Store, k Kept) ([]index.FileStat, error) {
	files, dirs := len(k.Plan.Files), len(k.Plan.Dirs)
	u := &updater{
		TreeWriter: &TreeWriter{
			FileOptions: k.FileOptions, Dir: k.Dir, Plan: k.Plan, Dev: k.ID.Dev, Stage: StagePath(k.Dir),
			Done: make([]atomic.Bool, files), Found: make([]index.FileStat, files),
		},
		store: s, match: k.Plan.match(), known: k.Known, inspected: k.Inspected, clean: k.Clean, keep: k.Keep, id: k.ID,
		kept: make([]bool, files), present: make([]bool, dirs), touched: make([]atomic.Bool, dirs),
	}
	return u.Found, u.run(ctx)
}

// updater is one Update.
type updater struct {
	*TreeWriter
	*match
	store     *odb.Store
	known     *Record
	inspected *Inspection
	clean     bool
	keep      string
	id        safedir.ID
	since     index.FileTime

	kept    []bool        // of each file: it was as it should be
	present []bool        // of each directory: it was there
	touched []atomic.Bool // of each directory: what is in it must be looked at again
	inside  groups        // directories in directories
}

// StagePath is a directory of ours beside a kept one.
func StagePath(dir string) string { return dir + ".index.tmp" }

// MakeStage makes an empty one, and says when by the clock of its file system.
func MakeStage(dir string) (index.FileTime, error) {
	stage := StagePath(dir)
	if err := os.RemoveAll(stage); err != nil {
		return index.FileTime{}, err
	}
	if err := os.Mkdir(stage, 0o700); err != nil {
		return index.FileTime{}, err
	}
	t, err := safedir.ChangedAt(stage)
	return index.FileTime(t), err
}

// Identify tells a directory from others.
func Identify(dir string) (safedir.ID, error) {
	out, err := safedir.Open(dir, nil)
	if err != nil {
		return safedir.ID{}, err
	}
	defer out.Close()
	return out.Identity()
}

func (u *updater) run(ctx context.Context) (err error) {
	if u.since, err = MakeStage(u.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(u.Stage)) }()
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
	if err := u.writeAll(ctx, u.store); err != nil {
		return err
	}
	if err := u.verify(ctx); err != nil {
		return err
	}
	return u.save()
}

// writeJournal notes what will be here that is not in the record, and what may
// be here from updates before that did not come so far as to write one.
func (u *updater) writeJournal() error {
	var added []index.Entry
	for i, d := range u.Plan.Dirs {
		if d.was == 0 && d.Mode == object.ModeSubmodule {
			added = append(added, index.Entry{Path: u.Plan.DirPath(int32(i)), Mode: d.Mode})
		}
	}
	for i, f := range u.Plan.Files {
		if u.was[i] < 0 {
			added = append(added, index.Entry{Path: u.Plan.FilePath(f), Mode: f.Mode})
		}
	}
	sortEntries(added)
	if len(added) == 0 {
		return nil // what was in the journal stays in it
	}
	x := &index.File{Format: u.Plan.tree.Format(), Entries: mergeEntries(u.known.journal, added)}
	return SaveRecord(JournalPath(u.Dir), u.tmp(), x, u.since, u.id)
}

func (u *updater) tmp() string { return filepath.Join(u.Stage, "index") }

// save says what is here now.
func (u *updater) save() error {
	if err := SaveRecord(RecordPath(u.Dir), u.tmp(), u.Plan.Recorded(u.Found, u.was), u.since, u.id); err != nil {
		return err
	}
	return Forget(JournalPath(u.Dir))
}

// Forget removes a file that may be missing.
func Forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
