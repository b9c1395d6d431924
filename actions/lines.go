package actions

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// OutputLimit is how many bytes of one action's output are logged, what a log
// adds to each line included.
const OutputLimit int64 = 10_000_000

const (
	// lineSize is where a longer line is cut, in bytes.
	lineSize = 64 << 10
	// lineOverhead is what a log adds to a line, in bytes: without it a flood of
	// empty lines would cost nothing.
	lineOverhead = 200
	// endSize is how much of the limit is kept for the end of the output, in bytes.
	endSize = 256 << 10
)

// LineWriter cuts what is written into lines. It is an io.WriteCloser, safe for
// concurrent use, and needs the same little memory for any input.
type LineWriter struct {
	mu     sync.Mutex
	line   func(string)
	size   int    // of the longest piece
	buf    []byte // the line begun
	cut    bool   // its beginning was already passed on
	left   int64  // bytes until the beginning is full
	end    ending
	closed bool
}

// Lines returns a writer that calls line for each line, without its "\n" or
// "\r\n"; the bytes are otherwise as they came. Longer lines come in pieces of
// 64 KiB, cut between characters. Each counts with what a log adds to it. Of
// more than limit bytes the beginning is passed on as it comes, and the end,
// 256 KiB or a quarter of the limit, by Close; lines between them tell how much
// is left out. Calls of line come one at a time and must not use the writer.
func Lines(limit int64, line func(string)) *LineWriter {
	limit = max(limit, 0)
	end := min(limit/4, endSize)
	return &LineWriter{line: line, size: lineSize, left: limit - end, end: ending{room: end}}
}

// Write takes all of p. The only error is io.ErrClosedPipe, after Close.
func (w *LineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	n := len(p)
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

// Close passes on a last line without an end, and the end of output that was
// over the limit. It returns nil; further calls do nothing.
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
	if w.end.dropped > 0 {
		w.line(fmt.Sprintf("output truncated: %d lines, %d bytes are left out here", w.end.dropped, w.end.bytes))
	}
	for _, line := range w.end.lines {
		w.line(line)
	}
	w.end.lines = nil
	return nil
}

// add appends to the line begun, and passes on its pieces as they get full.
func (w *LineWriter) add(p []byte) {
	for len(p) > 0 {
		if len(w.buf) == w.size { // not earlier: the next byte may end the line
			n := len(w.buf) - brokenRune(w.buf)
			w.pass(w.buf[:n])
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
		w.pass(line)
	}
	w.buf, w.cut = w.buf[:0], false
}

// pass passes a line on, or keeps it for the end.
func (w *LineWriter) pass(line []byte) {
	if cost := costOf(len(line)); cost <= w.left {
		w.left -= cost
		w.line(string(line))
		return
	}
	w.left = 0 // also a shorter line comes after this one
	if first := w.end.keep(line); first {
		w.line("output truncated: it is too long, its end follows when the action has ended")
	}
}

// ending is the last lines of what was over the limit.
type ending struct {
	room    int64 // bytes that may still be kept
	lines   []string
	dropped int   // lines
	bytes   int64 // of those
}

// keep takes a line, and drops earlier ones for it; it tells of the first drop.
func (e *ending) keep(line []byte) (first bool) {
	before := e.dropped
	cost := costOf(len(line))
	n := 0
	for ; n < len(e.lines) && e.room < cost; n++ {
		e.room += costOf(len(e.lines[n]))
		e.drop(len(e.lines[n]))
	}
	e.lines = e.lines[n:]
	if e.room < cost {
		e.drop(len(line))
	} else {
		e.room -= cost
		e.lines = append(e.lines, string(line))
	}
	return before == 0 && e.dropped > 0
}

func (e *ending) drop(size int) {
	e.dropped++
	e.bytes += int64(size)
}

func costOf(size int) int64 { return int64(size) + lineOverhead }

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
