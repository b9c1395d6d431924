package webhook

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/tmaxmax/go-sse"
)

const maxEffort = 10 // times the limit may be looked at for one event

var (
	errEventTooLarge = errors.New("an event over 25 MB")
	errEventTooBusy  = errors.New("an event of too many lines")
)

// stream bounds what an event costs. go-sse keeps an event until it is complete and looks at all of it again at each read, so
// reads end where lines do, and events that take too many of them end the stream.
type stream struct {
	r     io.Reader
	limit int // bytes of one event
	err   error

	pending, effort int  // bytes of the event so far; bytes looked at for it
	blank           bool // the line has no bytes yet
	carriage        bool // the last byte was a carriage return
}

func readEvents(r io.Reader, limit int) iter.Seq2[sse.Event, error] {
	s := &stream{r: r, limit: limit, blank: true}
	return sse.Read(s, &sse.ReadConfig{MaxEventSize: limit + bufio.MaxScanTokenSize})
}

// Read fills p, or returns as soon as it holds the end of a line.
func (s *stream) Read(p []byte) (n int, err error) {
	for n < len(p) && s.err == nil {
		var more int
		more, s.err = s.r.Read(p[n:])
		chunk := p[n : n+more]
		n += more
		if err := s.measure(chunk); err != nil {
			s.err = err
			return 0, err
		}
		if bytes.ContainsAny(chunk, "\r\n") {
			break
		}
	}
	s.effort += s.pending
	if n > 0 {
		return n, nil
	}
	return 0, s.err
}

// measure finds where events end: at an empty line, where lines end as in the SSE specification (HTML, 9.2.5).
func (s *stream) measure(chunk []byte) error {
	for _, c := range chunk {
		newline := c == '\n' || c == '\r'
		switch {
		case c == '\n' && s.carriage: // of one line's end
		case newline && s.blank:
			s.pending, s.effort = 0, 0
		case newline:
			s.blank = true
		default:
			s.blank = false
		}
		s.carriage = c == '\r'
		if s.pending++; s.pending > s.limit {
			return errEventTooLarge
		}
	}
	if s.effort > maxEffort*s.limit {
		return errEventTooBusy
	}
	return nil
}
