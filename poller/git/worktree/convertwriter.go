package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// writeLarge writes a file whose blob should not be in memory with others, or
// is and would grow too much there. copyTo may be called twice.
func (w *TreeWriter) writeLarge(ctx context.Context, out *safedir.Dir, f PlanFile, copyTo func(io.Writer) error) error {
	how := f.Convert
	through := func(to io.Writer) error {
		converting := how.Writer(to, f.ID.String())
		err := copyTo(converting)
		if err == nil {
			err = converting.Close()
		}
		return err
	}
	if how&convert.Auto != 0 && how&convert.CRLF != 0 {
		var probe convert.TextProbe
		how &^= convert.CRLF
		if err := through(&probe); err != nil {
			return err
		}
		if probe.Text() {
			how |= convert.CRLF
		}
	}
	return out.Stream(f.file(), func(to io.Writer) (int64, error) {
		counted := &disk.CountingWriter{Ctx: ctx, W: &disk.LimitedWriter{W: to, Count: w.count}}
		err := through(counted)
		return counted.N, err
	})
}

// writeStored writes the file of a blob that is streamed. Small ones that are
// so because nothing was known of their size are converted in memory.
func (w *TreeWriter) writeStored(ctx context.Context, out *safedir.Dir, r *odb.Reader, j job) error {
	f := w.Plan.Files[j.file]
	if j.at.Pack == nil && f.Convert != 0 {
		var content bytes.Buffer
		kind, err := r.CopyLoose(&content, f.ID, pack.StreamAbove)
		if err == nil && kind != object.KindBlob {
			err = object.Damaged("%s is a %s, not a blob", f.ID, kind)
		}
		if err == nil {
			return w.write(ctx, out, j.file, content.Bytes())
		}
		if !errors.Is(err, object.ErrTooLarge) {
			return err
		}
	}
	w.Done[j.file].Store(true)
	return w.note(out, j.file, w.writeLarge(ctx, out, f, func(to io.Writer) error {
		return r.CopyBlob(ctx, to, j.at, f.ID)
	}))
}

// takeBack removes what was written before its conversion was known.
func (w *TreeWriter) takeBack() error {
	var out *safedir.Dir
	for i, f := range w.Plan.Files {
		if f.Convert == 0 || !w.Done[i].Load() {
			continue
		}
		if out == nil {
			var err error
			if out, err = w.open(); err != nil {
				return err
			}
			defer out.Close()
		}
		size, err := out.Remove(f.file())
		if err != nil {
			return fmt.Errorf("%q: %w", w.Plan.FilePath(f), err)
		}
		w.bytes.Add(-size)
		w.Done[i].Store(false)
	}
	return nil
}
