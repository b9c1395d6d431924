package worktree

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// LoadParked is LoadRecord for a directory whose files may be moved to a new one. Trees are not known by it: they are read.
func LoadParked(dir string, f object.Format) (*Record, error) {
	id, err := Identify(dir)
	if err != nil {
		return nil, err
	}
	r := LoadRecord(dir, id, f)
	for i := range r.plan.Dirs {
		r.plan.Dirs[i].ID = object.ID{}
	}
	return r, nil
}

// moveParked moves the files to their places that the parked directory has as they are planned. What is not as the record
// has it, or is of a submodule, is left there.
func (w *TreeWriter) moveParked(ctx context.Context) error {
	known, was := w.Plan.known, w.Plan.match().was
	inSubmodule := w.Plan.inSubmodules()
	var all []int
	for i, f := range w.Plan.Files {
		if was[i] < 0 || f.Mode == object.ModeSymlink || inSubmodule[f.Dir] || w.Done[i].Load() {
			continue
		}
		if before := known.plan.Files[was[i]]; before.ID == f.ID && before.Mode == f.Mode && before.Convert == f.Convert {
			all = append(all, i)
		}
	}
	open := func() (*mover, func(), error) {
		out, err := w.open()
		if err != nil {
			return nil, nil, err
		}
		from, err := safedir.Open(w.Parked, known.plan.above)
		if err != nil {
			out.Close()
			return nil, nil, err
		}
		return &mover{out, from}, func() { out.Close(); from.Close() }, nil
	}
	move := func(_ context.Context, m *mover, i int) error {
		f, old := w.Plan.Files[i], was[i]
		moved, err := m.out.Take(m.from, known.plan.Files[old].file(), f.file(), func(now *safedir.Info) bool {
			return known.unchanged(old, statOf(now.Stat))
		})
		if err != nil {
			return fmt.Errorf("%q: %w", w.Plan.FilePath(f), err)
		}
		if !moved {
			return nil
		}
		w.Done[i].Store(true)
		w.Progress.Wrote()
		w.Found[i] = statOf(m.out.Last)
		return w.countKept(m.out.Last.Size)
	}
	w.Progress.Plans(len(all))
	left, err := w.moveIdly(ctx, all, open, move)
	if err != nil {
		return err
	}
	return disk.InBatches(ctx, batchFiles, len(left), open, func(ctx context.Context, m *mover, n int) error { return move(ctx, m, left[n]) })
}

// moveIdly moves files while everything else goes before, and returns those that are left when somebody is in a hurry.
func (w *TreeWriter) moveIdly(ctx context.Context, all []int, open func() (*mover, func(), error), move func(context.Context, *mover, int) error) (left []int, err error) {
	if w.Hurry == nil || len(all) == 0 {
		return all, nil
	}
	m, done, err := open()
	if err != nil {
		return nil, err
	}
	defer done()
	files.Yielding(func() {
		for len(all) > 0 && err == nil {
			select {
			case <-w.Hurry:
				return
			default:
			}
			if err = ctx.Err(); err == nil {
				err = bug.Catch(func() error { return move(ctx, m, all[0]) })
				all = all[1:]
			}
		}
	})
	return all, err
}

// mover is what a goroutine moves files with.
type mover struct{ out, from *safedir.Dir }

// inSubmodules says of each directory whether it is a submodule or in one.
func (p *Plan) inSubmodules() []bool {
	in := make([]bool, len(p.Dirs))
	for i, d := range p.Dirs {
		in[i] = d.Mode == object.ModeSubmodule || i > 0 && in[d.parent]
	}
	return in
}

// unchanged says whether a file is the very one that was recorded, and was not touched since, by whoever and in whatever way.
func (r *Record) unchanged(file int32, now index.FileStat) bool {
	is := r.found[file]
	return is == now && is.Ino != 0 && is.Size < 1<<31 && is.Ctime.Before(r.since)
}
