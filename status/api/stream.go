package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/bittrance/kitops/status/history"
)

const (
	// heartbeat keeps proxies from closing a stream on which nothing comes.
	heartbeat = 15 * time.Second
	// flushPause bounds how often what a run prints is sent on.
	flushPause = 100 * time.Millisecond
	// maxChunk is how much of it one message has at most, in bytes.
	maxChunk = 64 << 10
	// catchUpChunk is maxChunk for who reads alone, since it is that viewer's alone in memory.
	catchUpChunk = 16 << 10
	// stalled is how long a viewer may not read before it is cut off. It resumes where it was.
	stalled = 10 * time.Second
)

// stream is a viewer of what a run prints.
type stream struct {
	w       io.Writer
	control *http.ResponseController
	events  bool // server-sent events rather than the bytes alone
}

// send writes and flushes. A viewer that does not read is an error.
func (s stream) send(data []byte) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(stalled)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write(data); err != nil {
		return err
	}
	return s.control.Flush()
}

// event sends what only a stream of events has.
func (s stream) event(format string, args ...any) error {
	if !s.events {
		return nil
	}
	return s.send(fmt.Appendf(nil, format, args...))
}

// follow sends what there is from offset on, and what comes, until the run ends
// or nobody listens.
func (s stream) follow(ctx context.Context, t *tail, offset int64) {
	err := errors.Join(s.send(nil), s.event(": what the run prints follows\n\n")) // at once, else some proxies never begin
	for sent := time.Now(); err == nil && ctx.Err() == nil; {
		now := t.at(offset)
		switch {
		case len(now.chunks) > 0:
			offset, err = s.sendAll(now.chunks)
			sent = time.Now()
		case now.behind:
			offset, err = s.catchUp(t.out, offset, now.until)
			sent = time.Now()
		case now.failed:
			return // without an end: the viewer may come back
		case now.ended:
			_ = errors.Join(s.event("id: %d\nevent: end\ndata: {}\n\n", offset), s.send(nil)) // time for the end of the answer
			return
		case !awaited(ctx, now.changed, sent.Add(heartbeat)) && ctx.Err() == nil:
			err = s.event(": still there\n\n")
			sent = time.Now()
		}
	}
}

// awaited waits for a change, and tells whether it came in time.
func awaited(ctx context.Context, changed <-chan struct{}, until time.Time) bool {
	late := time.NewTimer(time.Until(until))
	defer late.Stop()
	select {
	case <-changed:
		return true
	case <-late.C:
	case <-ctx.Done():
	}
	return false
}

// sendAll sends what was read for all who follow, and returns how far that goes.
func (s stream) sendAll(chunks []chunk) (offset int64, err error) {
	for _, c := range chunks {
		if err == nil {
			offset, err = c.end, s.send(c.of(s.events))
		}
	}
	return offset, err
}

// catchUp reads for this viewer alone what comes before the place from which all are
// served together, and returns how far it came.
func (s stream) catchUp(out *history.Output, offset, until int64) (int64, error) {
	for offset < until {
		c, err := readChunk(out, offset, min(until, offset+catchUpChunk), offset+catchUpChunk >= until)
		if err != nil {
			return offset, err
		}
		if err := s.send(c.of(s.events)); err != nil {
			return offset, err
		}
		offset = c.end
	}
	return offset, nil
}
