package poller

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

const (
	preparedTree = "ready"  // in the folder of a parked workdir, with its record beside it
	worthwhile   = 32 << 10 // bytes of a record from which on its workdir is prepared: some 400 files
)

var errOutdated = errors.New("the memory knows of another workdir")

// parkedRun is a run whose workdir is parked.
type parkedRun struct {
	p      *Poller
	task   Task // as it was then
	run    Run
	folder string
	parked Parked
}

// prepareSoon has the workdir that a run has left be prepared for the next one of its ref, if that is worth it.
func (w *watch) prepareSoon(ctx context.Context, run Run, parked *Parked) {
	if parked == nil || w.once || w.task.Prepare == nil {
		return
	}
	r := &parkedRun{p: w.p, task: w.task, run: run, folder: w.p.parkDir(w.task.Name, w.task.URL, run.Revision.Ref), parked: *parked}
	record, err := os.Stat(git.RecordPath(filepath.Join(r.folder, parkedTree)))
	if err != nil || record.Size() < worthwhile {
		return
	}
	w.p.preparer.add(ctx, r.folder, func(inner context.Context, hurry <-chan struct{}) {
		err := bug.Catch(func() error { return r.prepare(inner, hurry) })
		if err != nil && inner.Err() == nil { // else it was given up by one who removes it
			w.p.parks.remove(r.folder)
			w.p.discard(r.folder)
		}
		var broken *bug.Error
		if errors.As(err, &broken) { // all else costs the next run time, no more
			w.p.tell(Event{Kind: Troubled, Task: run.Task, Err: err})
		}
		w.p.sweepSoon(ctx)
	})
}

// prepare makes of the parked workdir one that is ready, and has the memory know it.
func (r *parkedRun) prepare(ctx context.Context, hurry <-chan struct{}) error {
	tree, ready := filepath.Join(r.folder, parkedTree), filepath.Join(r.folder, preparedTree)
	if !r.parked.Since.holds(tree) || mounted(tree) || bound(tree) {
		return errOutdated
	}
	err := errors.Join(os.Rename(git.RecordPath(tree), git.RecordPath(git.ParkedPath(ready))), os.Rename(tree, git.ParkedPath(ready)))
	if err == nil {
		err = r.task.Prepare(ctx, r.run.CheckedOut(), ready, hurry)
	}
	r.p.clearParked(ready)
	if err != nil {
		return err
	}
	next := r.parked
	if next.Since, err = stampHost(ready); err != nil {
		return err
	}
	return r.save(ctx, next)
}

// save replaces what the memory knows of the workdir, unless it knows of another one by now.
func (r *parkedRun) save(ctx context.Context, next Parked) error {
	ctx = context.WithoutCancel(ctx)
	if r.p.Parks != nil {
		return r.p.changeParks(ctx, func(folders map[string]Parked) error {
			if known, there := folders[filepath.Base(r.folder)]; !there || known.Since != r.parked.Since {
				return errOutdated
			}
			folders[filepath.Base(r.folder)] = next
			return nil
		})
	}
	ref := r.run.Revision.Ref
	same := func(s State) bool { known := s.Refs[ref].Parked; return known != nil && known.Since == r.parked.Since }
	m := r.p.memory(r.run.Task) // the watch's own is not for two
	state, err := m.Load(ctx)
	if err == nil && !same(state) {
		err = errOutdated
	}
	if err != nil {
		return err
	}
	return m.Save(ctx, func(s State) State {
		if !same(s) {
			return s
		}
		return s.with(ref, func(r *RefState) { r.Parked = &next })
	})
}
