package git

import "context"

const batchDirs = 64 // what a goroutine takes at a time

// inspection is what a record is still right about. It is made while nobody
// knows yet what is wanted, and changes nothing.
type inspection struct {
	known *record
	owner *Owner
	dev   int64
	dirs  []bool // of each directory: it is there, and as it should be
	files []bool // of each file: it has not changed
}

func (n *inspection) run(ctx context.Context, dir string, known *record) error {
	n.known, n.dirs, n.files = known, make([]bool, len(known.plan.dirs)), make([]bool, len(known.plan.files))
	if len(n.files) == 0 {
		return nil
	}
	in := n.known.plan.filesIn()
	open := func() (*outDir, func(), error) {
		out, err := openOutDir(dir, n.known.plan)
		if err != nil {
			return nil, nil, err
		}
		return out, out.close, nil
	}
	return inBatches(ctx, batchDirs, len(n.dirs), open, func(_ context.Context, out *outDir, dir int) error {
		n.dirs[dir] = n.asItShould(out, int32(dir))
		if !n.dirs[dir] {
			return nil
		}
		for _, i := range in.of(int32(dir)) {
			f := n.known.plan.files[i]
			info, err := out.look(f.dir, f.name)
			n.files[i] = err == nil && info.is(f) && info.belongs(n.owner) && n.known.trusts(i, info.stat)
		}
		return nil
	})
}

func (n *inspection) asItShould(out *outDir, dir int32) bool {
	info, err := out.self(dir)
	return err == nil && info.perm == 0o755 && info.id.dev == n.dev && info.belongs(n.owner)
}
