package webhook

import (
	"errors"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
)

const (
	firstBuffer = 16 << 10
	maxAtOnce   = 64 // bodies of one client under way
)

var (
	errTooLarge = errors.New("body over 25 MB")
	errFull     = errors.New("too many bytes in flight")
)

// intake reads bodies within a limit for all of them together, of which no client takes more than half. Room is taken as
// bytes arrive, so that who only announces them takes none.
type intake struct {
	limit int64
	taken atomic.Int64

	mu      sync.Mutex
	clients map[netip.Prefix]*share
}

// share is what one client has under way.
type share struct {
	bodies int
	bytes  int64
}

// read returns the whole body of the given length, -1 when not known. The caller calls release, whatever the error, when it
// is done with the body.
func (in *intake) read(client netip.Prefix, r io.Reader, length int64) (body []byte, release func(), err error) {
	var mine int64
	if !in.begin(client) {
		return nil, func() {}, errFull
	}
	release = func() { in.end(client, mine) }
	for {
		if len(body) == cap(body) {
			size := nextSize(int64(cap(body)), length)
			if !in.take(client, size-mine) {
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

// begin tells whether the client may have one more body under way.
func (in *intake) begin(client netip.Prefix) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.clients == nil {
		in.clients = map[netip.Prefix]*share{}
	}
	s := in.clients[client]
	if s == nil {
		s = &share{}
		in.clients[client] = s
	}
	if s.bodies >= maxAtOnce {
		return false
	}
	s.bodies++
	return true
}

// take tells whether there is room for so many bytes more.
func (in *intake) take(client netip.Prefix, n int64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.clients[client]
	if in.taken.Load()+n > in.limit || s.bytes+n > max(in.limit/2, maxBody+1) {
		return false
	}
	s.bytes += n
	in.taken.Add(n)
	return true
}

func (in *intake) end(client netip.Prefix, n int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.taken.Add(-n)
	s := in.clients[client]
	s.bytes -= n
	if s.bodies--; s.bodies == 0 {
		delete(in.clients, client)
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
