package worktree

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/pack"
)

// sameConverted says whether a file has what becomes of its blob. Where the blob cannot be read it has not: the file is
// written anew then, and that says what is wrong.
func (u *updater) sameConverted(ctx context.Context, v *visitor, f PlanFile, file io.Reader) bool {
	at, ok := u.store.Find(f.ID)
	if !ok {
		return false
	}
	if v.reader == nil {
		v.reader = u.store.Reader()
	}
	content, small, err := stored(v.reader, f, at)
	if err != nil {
		return false
	}
	if v.read == nil {
		v.read = bufio.NewReaderSize(file, index.ReadBuffer)
	}
	v.read.Reset(file)
	is := comparison{v.read}
	to := &disk.CountingWriter{Ctx: ctx, W: is}
	if small && len(content) <= pack.StreamAbove {
		_, err = to.Write(f.Convert.Apply(content, f.ID.String()))
		return err == nil && is.end()
	}
	copyTo := copyContent(content)
	if !small {
		copyTo = func(to io.Writer) error { return v.reader.CopyBlob(ctx, to, at, f.ID) }
	}
	convertTo, err := f.through(copyTo)
	return err == nil && convertTo(to) == nil && is.end()
}

var errOther = errors.New("another content")

// comparison compares what is written to it with what it reads.
type comparison struct{ with *bufio.Reader }

func (c comparison) Write(p []byte) (n int, err error) {
	for n < len(p) {
		piece, err := c.with.Peek(min(len(p)-n, c.with.Size()))
		if err == nil && !bytes.Equal(piece, p[n:n+len(piece)]) {
			err = errOther
		}
		if err != nil {
			return n, err
		}
		_, _ = c.with.Discard(len(piece)) // it is there
		n += len(piece)
	}
	return n, nil
}

// end says whether there is nothing more to read.
func (c comparison) end() bool {
	_, err := c.with.Peek(1)
	return errors.Is(err, io.EOF)
}
