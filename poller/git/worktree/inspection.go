package worktree

import (
	"context"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/safedir"
)

const batchDirs = 64 // what a goroutine takes at a time

// Inspection is what a record is still right about. It is made while nobody
// knows yet what is wanted, and changes nothing.
type Inspection struct {
	known *Record
	Owner *safedir.Owner
	Dev   int64

	NoModes bool // see FileOptions

	dirs  []bool // of each directory: it is there, and as it should be
	files []bool // of each file: it has not changed
}

// Trust takes what is known of a directory for true, unseen.
func (n *Inspection) Trust(known *Record) {
	n.known, n.dirs, n.files = known, make([]bool, len(known.plan.Dirs)), make([]bool, len(known.plan.Files))
	for i := range n.dirs {
		n.dirs[i] = true
	}
	for i := range n.files {
		n.files[i] = true
	}
}

// Run compares a directory with what is known of it.
func (n *Inspection) Run(ctx context.Context, dir string, known *Record) error {
	n.known, n.dirs, n.files = known, make([]bool, len(known.plan.Dirs)), make([]bool, len(known.plan.Files))
	if len(n.files) == 0 {
		return nil
	}
	in := n.known.plan.filesIn()
	open := func() (*safedir.Dir, func(), error) {
		out, err := safedir.Open(dir, n.known.plan.above)
		if err != nil {
			return nil, nil, err
		}
		return out, out.Close, nil
	}
	return disk.InBatches(ctx, batchDirs, len(n.dirs), open, func(_ context.Context, out *safedir.Dir, dir int) error {
		n.dirs[dir] = n.asItShould(out, int32(dir))
		if !n.dirs[dir] {
			return nil
		}
		for _, i := range in.of(int32(dir)) {
			f := n.known.plan.Files[i]
			info, err := out.Look(f.Dir, f.Name)
			n.files[i] = err == nil && f.is(&info, n.NoModes) && info.BelongsTo(n.Owner) && n.known.trusts(i, statOf(info.Stat))
		}
		return nil
	})
}

func (n *Inspection) asItShould(out *safedir.Dir, dir int32) bool {
	info, err := out.Self(dir)
	return err == nil && (info.Perm == 0o755 || n.NoModes) && info.ID.Dev == n.Dev && info.BelongsTo(n.Owner)
}
