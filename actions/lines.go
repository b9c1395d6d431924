package actions

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// OutputLimit is how many bytes of one action's output are logged.
const OutputLimit int64 = 10_000_000

// lineSize is where a longer line is cut.
const lineSize = 64 << 10

// LineWriter cuts what is written into lines. It is an io.WriteCloser, safe for
// concurrent use, and needs the same little memory for any input.
type LineWriter struct {
	mu      sync.Mutex
	line    func(string)
	size    int    // of the longest piece
	buf     []byte // the line begun
	cut     bool   // its beginning was already passed on
	left    int64  // bytes until the limit
	dropped int64
	closed  bool
}

// Lines returns a writer that calls line for each line, without its "\n" or
// "\r\n"; the bytes are otherwise as they came. Longer lines come in pieces of
// 64 KiB, cut between characters. After limit bytes it only counts, and Close
// says how many. Calls of line come one at a time and must not use the writer.
func Lines(limit int64, line func(string)) *LineWriter {
	return &LineWriter{line: line, size: lineSize, left: max(limit, 0)}
}

// Write takes all of p. The only error is io.ErrClosedPipe, after Close.
func (w *LineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	n := len(p)
	if int64(n) > w.left {
		w.dropped += int64(n) - w.left
		p = p[:w.left]
	}
	w.left -= int64(len(p))
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.add(p)
			break
		}
		w.add(p[:end])
		w.flush()
		p = p[end+1:]
	}
	return n, nil
}

// Close passes on a last line without an end, and says what was left out. It
// returns nil; further calls do nothing.
func (w *LineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if len(w.buf) > 0 {
		w.flush()
	}
	if w.dropped > 0 {
		w.line(fmt.Sprintf("output truncated: %d more bytes", w.dropped))
	}
	return nil
}

// add appends to the line begun, and passes on its pieces as they get full.
func (w *LineWriter) add(p []byte) {
	for len(p) > 0 {
		if len(w.buf) == w.size { // not earlier: the next byte may end the line
			n := len(w.buf) - brokenRune(w.buf)
			w.line(string(w.buf[:n]))
			w.buf = w.buf[:copy(w.buf, w.buf[n:])]
			w.cut = true
		}
		n := min(w.size-len(w.buf), len(p))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
	}
}

// flush ends the line.
func (w *LineWriter) flush() {
	line := bytes.TrimSuffix(w.buf, []byte("\r"))
	if len(line) > 0 || !w.cut {
		w.line(string(line))
	}
	w.buf, w.cut = w.buf[:0], false
}

// brokenRune returns how many bytes at the end of b begin a character that
// they do not complete.
func brokenRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n < len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
