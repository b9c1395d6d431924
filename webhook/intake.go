package webhook

import (
	"errors"
	"io"
	"sync/atomic"
)

const firstBuffer = 16 << 10

var (
	errTooLarge = errors.New("body over 25 MB")
	errFull     = errors.New("too many bytes in flight")
)

// intake reads bodies within a limit for all of them together. Room is taken as bytes arrive, so that who only announces them
// takes none.
type intake struct {
	limit int64
	taken atomic.Int64
}

// read returns the whole body of the given length, -1 when not known. The caller calls release, whatever the error, when it
// is done with the body.
func (in *intake) read(r io.Reader, length int64) (body []byte, release func(), err error) {
	var mine int64
	release = func() { in.taken.Add(-mine) }
	for {
		if len(body) == cap(body) {
			size := nextSize(int64(cap(body)), length)
			if in.taken.Add(size-mine) > in.limit {
				in.taken.Add(mine - size)
				return nil, release, errFull
			}
			mine = size
			body = append(make([]byte, 0, size), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxBody:
			return nil, release, errTooLarge
		case errors.Is(err, io.EOF):
			return body, release, nil
		case err != nil:
			return nil, release, err
		}
	}
}

// nextSize doubles a buffer, up to what the body needs and one more byte to see its end.
func nextSize(size, length int64) int64 {
	next := min(max(firstBuffer, 2*size), maxBody+1)
	if length >= size {
		next = min(next, length+1)
	}
	return next
}
