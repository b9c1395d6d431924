package disk

import (
	"context"
	"io"
	"sync/atomic"
)

// Progress is how far a checkout has come, for whoever asks meanwhile. It is safe
// for concurrent use, and a nil one counts nothing.
type Progress struct{ bytes, files, planned atomic.Int64 }

type progressKey struct{}

// WithProgress returns a context whose checkouts count in p.
func WithProgress(ctx context.Context, p *Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ProgressOf is where a context's checkouts count, nil for nowhere.
func ProgressOf(ctx context.Context) *Progress {
	p, _ := ctx.Value(progressKey{}).(*Progress)
	return p
}

// Counts are bytes that have come from a remote, files that were written, and how
// many those will be, 0 while that is not known.
func (p *Progress) Counts() (bytes, files, planned int64) {
	return p.bytes.Load(), p.files.Load(), p.planned.Load()
}

// Wrote is for a file that is where it should be.
func (p *Progress) Wrote() {
	if p != nil {
		p.files.Add(1)
	}
}

// Plans says how many files are to be written beside those that were.
func (p *Progress) Plans(left int) {
	if p != nil {
		p.planned.Store(p.files.Load() + int64(left))
	}
}

// Reader counts what comes by r.
func (p *Progress) Reader(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return &countedReader{r, p}
}

type countedReader struct {
	io.Reader
	p *Progress
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.bytes.Add(int64(n))
	return n, err
}
