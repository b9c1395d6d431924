package convert

import (
	"bytes"
	"io"
)

// Writer converts what goes through it, except that it does not decide
// what convertAuto leaves open. close writes what is still held.
type Writer struct {
	io.Writer
	Close func() error
}

// Writer converts what goes through it to w; id is the name of the blob.
func (c Conversion) Writer(w io.Writer, id string) Writer {
	if c&CRLF != 0 {
		w = &crlfWriter{w: w}
	}
	if c&Ident == 0 {
		return Writer{w, func() error { return nil }}
	}
	ident := newIdentWriter(w, id)
	return Writer{ident, ident.close}
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
