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
	convertTo, err := f.through(copyTo)
	if err != nil {
		return err
	}
	return out.Stream(f.file(), func(to io.Writer) (int64, error) {
		counted := &disk.CountingWriter{Ctx: ctx, W: &disk.LimitedWriter{W: to, Count: w.count}}
		err := convertTo(counted)
		return counted.N, err
	})
}

// through is copyTo with the content converted on its way.
func (f PlanFile) through(copyTo func(io.Writer) error) (convertTo func(io.Writer) error, err error) {
	how := f.Convert
	convertTo = func(to io.Writer) error {
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
		if err := convertTo(&probe); err != nil {
			return nil, err
		}
		if probe.Text() {
			how |= convert.CRLF
		}
	}
	return convertTo, nil
}

// stored gives a blob that is written from memory; large ones are not. Those of which that is not known are read so far only
// where they are to be converted.
func stored(r *odb.Reader, f PlanFile, at pack.Place) (content []byte, small bool, err error) {
	large, err := r.Streamed(at)
	if err != nil {
		return nil, false, odb.AsDamage(err, f.ID)
	}
	if !large {
		content, err = r.Blob(at, f.ID)
		return content, true, err
	}
	if at.Pack != nil || f.Convert == 0 {
		return nil, false, nil
	}
	var read bytes.Buffer
	kind, err := r.CopyLoose(&read, f.ID, pack.StreamAbove)
	if errors.Is(err, object.ErrTooLarge) {
		return nil, false, nil
	}
	if err == nil && kind != object.KindBlob {
		err = object.Damaged("%s is a %s, not a blob", f.ID, kind)
	}
	return read.Bytes(), true, err
}

func copyContent(content []byte) func(io.Writer) error {
	return func(to io.Writer) error {
		_, err := io.Copy(to, struct{ io.Reader }{bytes.NewReader(content)}) // in pieces
		return err
	}
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
