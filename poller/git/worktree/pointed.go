package worktree

import (
	"context"
	"io"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// fetchPointed has come what files that are to be written point to. Those that are as they should be need nothing.
func (w *TreeWriter) fetchPointed(ctx context.Context) error {
	var blobs []object.ID
	for i, f := range w.Plan.Files {
		if f.Convert == convert.LFS && !w.Done[i].Load() {
			blobs = append(blobs, f.ID)
		}
	}
	if len(blobs) == 0 {
		return nil
	}
	return w.Fetch(ctx, blobs)
}

// writePointed writes what a file points to.
func (w *TreeWriter) writePointed(ctx context.Context, out *safedir.Dir, file int) error {
	f := w.Plan.Files[file]
	w.Done[file].Store(true)
	made := f.file()
	made.Older = true // git would compare its content with the blob, if it could have changed after its index was written
	return w.note(out, file, out.Stream(made, func(to io.Writer) (int64, error) {
		counted := &disk.CountingWriter{Ctx: ctx, W: &disk.LimitedWriter{W: to, Count: w.count}}
		err := w.Copy(counted, f.ID)
		return counted.N, err
	}))
}
