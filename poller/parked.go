package poller

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
)

// ParkDir is where workdirs wait for the next run of their ref, whose checkout
// moves what nobody has touched instead of writing it. Each is in a folder of
// its task, repository and ref, which only kitops may enter.
const ParkDir = "parked"

const (
	parkedTree = "tree"         // in the folder; its record is beside it
	parkedFor  = 24 * time.Hour // then it is removed
)

// Parked is what the memory knows of a workdir that is parked. Without it, or
// where it does not hold any more, nothing of the workdir is used.
type Parked struct {
	Since stampOfHost `yaml:"since"` // before the actions started
	At    time.Time   `yaml:"at"`
	Size  int64       `yaml:"size"` // bytes on the disk
}

// stampOfHost tells one state of affairs from another in which times of files
// would mean something else, or the record of a workdir would.
type stampOfHost struct {
	Boot   string        `yaml:"boot"`
	Clock  time.Duration `yaml:"clock"`  // from the boot's clock to the one that can be set
	Record string        `yaml:"record"` // SHA-256 of it
}

// clockMay be set by so much until nothing is believed.
const clockMay = time.Second

// holds tells whether a directory with its record is as it was when the stamp was taken.
func (s stampOfHost) holds(tree string) bool {
	now, err := stampHost(tree)
	return err == nil && now.Boot == s.Boot && (now.Clock-s.Clock).Abs() < clockMay && now.Record == s.Record
}

// old tells whether a workdir was parked for too long, or in a time to come.
func (p Parked) old(now time.Time) bool { return p.At.After(now) || !now.Before(p.At.Add(parkedFor)) }

// mounted tells whether something is mounted in a directory, or that it cannot be told.
func mounted(dir string) bool {
	at, err := files.MountBelow(dir)
	return err != nil || at != ""
}

func (p *Poller) parkDir(task, url, ref string) string { return p.refDir(ParkDir, task, url, ref) }

// parks are the workdirs that are parked, by folder.
type parks struct {
	mu    sync.Mutex
	known map[string]Parked
	until time.Time // the first of them is too old then
}

func (k *parks) add(folder string, parked Parked) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[string]Parked{}
	}
	k.known[folder] = parked
	if until := parked.At.Add(parkedFor); k.until.IsZero() || until.Before(k.until) {
		k.until = until
	}
}

func (k *parks) remove(folder string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, folder)
}

// old returns the folders that are older than they may be.
func (k *parks) old(now time.Time) (folders []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.until.IsZero() || now.Before(k.until) {
		return nil
	}
	k.until = time.Time{}
	for folder, parked := range k.known {
		until := parked.At.Add(parkedFor)
		switch {
		case parked.old(now):
			folders = append(folders, folder)
		case k.until.IsZero() || until.Before(k.until):
			k.until = until
		}
	}
	return folders
}

// beyond returns the folders, the oldest first, that must go so that all others
// have no more than limit bytes.
func (k *parks) beyond(limit int64) (folders []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := int64(0)
	for folder, parked := range k.known {
		folders = append(folders, folder)
		sum += parked.Size
	}
	slices.SortFunc(folders, func(a, b string) int { return k.known[a].At.Compare(k.known[b].At) })
	for n, folder := range folders {
		if sum <= limit {
			return folders[:n]
		}
		sum -= k.known[folder].Size
	}
	return folders
}

// evict gives up parked workdirs, and tells whether there were any.
func (p *Poller) evict(folders []string) (any bool) {
	for _, folder := range folders {
		p.preparer.settle(folder, true)
		p.parks.remove(folder)
		any = p.discard(folder) || any
	}
	return any
}

// evictOld gives up what was parked for too long, when there is nothing to run.
func (w *watch) evictOld(ctx context.Context) {
	if w.p.evict(w.p.parks.old(time.Now())) {
		w.p.sweepSoon(ctx)
	}
}

// findParked discards what is parked and no memory knows, and learns of the rest.
func (p *Poller) findParked(all map[string]State) error {
	for key, state := range all {
		for ref, r := range state.Refs {
			if r.Parked != nil && p.KeepWorkdirs > 0 && !p.keeps(key) && p.wants(key) {
				p.parks.add(p.parkDir(key, state.URL, ref), *r.Parked)
			}
		}
	}
	err := p.eachFolder(ParkDir, func(path string) {
		if _, known := p.parks.known[path]; !known {
			p.discard(path)
		}
	})
	p.evict(append(p.parks.old(time.Now()), p.parks.beyond(p.KeepWorkdirs)...))
	return err
}

// unpark puts what is parked of the ref to where the checkout of a run looks for it.
func (w *watch) unpark(run Run, dir string) error {
	folder := w.p.parkDir(w.task.Name, w.task.URL, run.Revision.Ref)
	w.p.parks.remove(folder)
	tree := filepath.Join(folder, parkedTree)
	parked, to := w.parked, git.ParkedPath(dir)
	w.parked, w.prepared = nil, false
	ready := filepath.Join(folder, preparedTree)
	switch {
	case parked == nil || w.task.Keep || run.Foreign || parked.old(time.Now()):
		to = ""
	case w.task.Prepare != nil && isDir(ready) && parked.Since.holds(ready) && !mounted(ready):
		tree, to, w.prepared = ready, dir, true
	case !parked.Since.holds(tree) || mounted(tree) || bound(tree):
		to = ""
	}
	if to == "" {
		w.p.discard(folder)
		return nil
	}
	if err := w.p.makeWorkdir(dir, w.p.userOf(run)); err != nil {
		return err
	}
	if os.Rename(git.RecordPath(tree), git.RecordPath(to)) != nil || os.Rename(tree, to) != nil {
		w.p.discard(folder)
	}
	return nil
}

// isDir tells whether a path is a directory, and no link to one.
func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// clearParked takes away what the checkout left of a parked workdir, which no
// action of the run is to see, to be removed when the run has ended.
func (p *Poller) clearParked(dir string) {
	p.discard(git.ParkedPath(dir))
	p.discard(git.RecordPath(git.ParkedPath(dir)))
}

// notePark takes the stamp of a workdir that was just made, if it may be parked
// when the run has ended.
func (w *watch) notePark(run Run, dir string) {
	w.since = nil
	if w.p.KeepWorkdirs == 0 || w.task.Keep || run.Foreign {
		return
	}
	if since, err := stampHost(dir); err == nil {
		w.since = &since
	}
}

// park keeps the workdir of a run for the next run of its ref, unless something
// of the run may still reach it. It is never an error: without it a checkout
// takes longer, no more.
func (w *watch) park(run Run, dir string, itself bool) *Parked {
	if w.scope.unrun && w.parked != nil {
		return w.parked // nothing has used it
	}
	if w.since == nil || !itself || !w.p.Processes.Quiet(run.ID, w.p.User, w.groups) {
		return nil
	}
	if mounted(dir) {
		return nil
	}
	size, err := files.Usage(dir)
	if err != nil || size > w.p.KeepWorkdirs {
		return nil
	}
	folder := w.p.parkDir(w.task.Name, w.task.URL, run.Revision.Ref)
	if makeOwn(filepath.Dir(folder), 0o700, -1) != nil || makeOwn(folder, 0o700, -1) != nil {
		return nil
	}
	tree := filepath.Join(folder, parkedTree)
	if err := errors.Join(os.Rename(dir, tree), os.Rename(git.RecordPath(dir), git.RecordPath(tree))); err != nil {
		w.p.discard(folder)
		return nil
	}
	parked := Parked{Since: *w.since, At: stamp(), Size: size}
	w.p.parks.add(folder, parked)
	w.p.evict(w.p.parks.beyond(w.p.KeepWorkdirs))
	return &parked
}

// makeRoom removes all that is parked, and tells whether there was something.
func (w *watch) makeRoom(ctx context.Context, dir string) bool {
	_, err := os.Lstat(git.ParkedPath(dir))
	mine := !errors.Is(err, fs.ErrNotExist)
	if !w.p.evict(w.p.parks.beyond(0)) && !mine {
		return false
	}
	if mine {
		w.p.leftovers.add(git.ParkedPath(dir))
	}
	if err := w.p.sweep(ctx); err != nil { // now: the room is waited for
		w.tell(Event{Kind: Troubled, Err: err})
	}
	return true
}
