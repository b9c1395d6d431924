package disk

import (
	"context"
	"io"
)

// LimitedWriter asks before it writes.
type LimitedWriter struct {
	W     io.Writer
	Count func(int64) error
}

func (l *LimitedWriter) Write(p []byte) (int, error) {
	if err := l.Count(int64(len(p))); err != nil {
		return 0, err
	}
	return l.W.Write(p)
}

// CountingWriter counts, and ends a long copy with the context.
type CountingWriter struct {
	Ctx context.Context
	W   io.Writer
	N   int64
}

func (c *CountingWriter) Write(p []byte) (int, error) {
	if err := c.Ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.W.Write(p)
	c.N += int64(n)
	return n, err
}
