package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
)

// convertWriter converts what goes through it, except that it does not decide
// what convertAuto leaves open. close writes what is still held.
type convertWriter struct {
	io.Writer
	close func() error
}

func (c convert) writer(w io.Writer, id plumbing.Hash) convertWriter {
	if c&convertCRLF != 0 {
		w = &crlfWriter{w: w}
	}
	if c&convertIdent == 0 {
		return convertWriter{w, func() error { return nil }}
	}
	ident := newIdentWriter(w, id)
	return convertWriter{ident, ident.close}
}

// crlfWriter is addCarriageReturns for content that comes in pieces.
type crlfWriter struct {
	w    io.Writer
	last byte
	out  []byte
}

func (c *crlfWriter) Write(p []byte) (int, error) {
	c.out = c.out[:0]
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			c.out = append(c.out, rest...)
			break
		}
		c.out = append(c.out, rest[:end]...)
		if end > 0 {
			c.last = rest[end-1]
		}
		if c.last != '\r' {
			c.out = append(c.out, '\r')
		}
		c.out = append(c.out, '\n')
		c.last = '\n'
		rest = rest[end+1:]
	}
	if len(p) > 0 {
		c.last = p[len(p)-1]
	}
	if _, err := c.w.Write(c.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeLarge writes a file whose blob should not be in memory with others, or
// is and would grow too much there. copyTo may be called twice.
func (w *treeWriter) writeLarge(ctx context.Context, out *outDir, f planFile, copyTo func(io.Writer) error) error {
	how := f.convert
	through := func(to io.Writer) error {
		converting := how.writer(to, f.id)
		err := copyTo(converting)
		if err == nil {
			err = converting.close()
		}
		return err
	}
	if how&convertAuto != 0 && how&convertCRLF != 0 {
		var probe textProbe
		how &^= convertCRLF
		if err := through(&probe); err != nil {
			return err
		}
		if probe.text() {
			how |= convertCRLF
		}
	}
	return out.stream(f, func(to io.Writer) (int64, error) {
		counted := &countingWriter{ctx: ctx, w: &limitedWriter{to, w.count}}
		err := through(counted)
		return counted.n, err
	})
}

// writeStored writes the file of a blob that is streamed. Small ones that are
// so because nothing was known of their size are converted in memory.
func (w *treeWriter) writeStored(ctx context.Context, out *outDir, r *storeReader, j job) error {
	f := w.plan.files[j.file]
	if j.at.pack == nil && f.convert != 0 {
		var content bytes.Buffer
		kind, err := r.copyLoose(&content, f.id, streamAbove)
		if err == nil && kind != plumbing.BlobObject {
			err = damaged("%s is a %s, not a blob", f.id, kind)
		}
		if err == nil {
			return w.write(ctx, out, j.file, content.Bytes())
		}
		if !errors.Is(err, errTooLarge) {
			return err
		}
	}
	w.done[j.file].Store(true)
	return w.note(out, j.file, w.writeLarge(ctx, out, f, func(to io.Writer) error {
		return r.copyBlob(ctx, to, j.at, f.id)
	}))
}

// takeBack removes what was written before its conversion was known.
func (w *treeWriter) takeBack() error {
	var out *outDir
	for i, f := range w.plan.files {
		if f.convert == 0 || !w.done[i].Load() {
			continue
		}
		if out == nil {
			var err error
			if out, err = w.open(); err != nil {
				return err
			}
			defer out.close()
		}
		size, err := out.remove(f)
		if err != nil {
			return fmt.Errorf("%q: %w", w.plan.filePath(f), err)
		}
		w.bytes.Add(-size)
		w.done[i].Store(false)
	}
	return nil
}
