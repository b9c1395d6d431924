package status

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

const (
	// maxQueued bounds the log lines that wait for their reader, in bytes.
	maxQueued = 8 << 20
	// lineOverhead is what a waiting line costs beside its text, in bytes.
	lineOverhead = 64
	// maxWrite is how much is written at once. A pipe takes as much in one
	// piece (PIPE_BUF on Linux), so that others who write to it cut no line.
	maxWrite = 4096
	// retryWrite is the pause before a write that found no room is tried again.
	retryWrite = 20 * time.Millisecond
)

// LogQueue is a writer that never waits: lines are queued, and a goroutine
// writes them. When nobody reads the log and the queue is full, lines are
// dropped and counted until half of it has been read; a line in their place
// then tells how many there were. Lines that cannot be written are counted,
// too. It is safe for concurrent use.
type LogQueue struct {
	to   io.Writer
	lost func(w io.Writer, lines int)
	last func() // before the end; may be nil

	mu      sync.Mutex
	queued  []logLine
	size    int  // bytes, of what is queued
	full    bool // lines are being dropped
	dropped int  // lines that no line has told of
	failing bool // the latest write failed
	closed  bool
	stale   bool          // the writer is to be called, also with nothing
	wake    chan struct{} // of one: there is something to do
	done    chan struct{} // closed: nothing will be written any more
}

// logLine is one call of Write.
type logLine struct {
	text []byte
	lost int // how many lines are gone if it is
}

// NewLogQueue returns a queue in front of a writer. Lost writes the line that
// tells of dropped ones; it is called with the queue locked, so it must not
// write to the queue. End with Close.
func NewLogQueue(to io.Writer, lost func(w io.Writer, lines int)) *LogQueue {
	q := &LogQueue{to: to, lost: lost, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.drain()
	return q
}

// Write queues whole lines. It always succeeds.
func (q *LogQueue) Write(p []byte) (int, error) {
	line := logLine{text: bytes.Clone(p), lost: bytes.Count(p, []byte{'\n'})}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return len(p), nil
	}
	if q.full && q.size <= maxQueued/2 {
		q.full = false
	}
	if q.full || q.size+line.cost() > maxQueued {
		q.full = true
		q.dropped += line.lost
		return len(p), nil
	}
	q.tell()
	q.push(line)
	q.poke()
	return len(p), nil
}

func (l logLine) cost() int { return len(l.text) + lineOverhead }

// push is called with the lock held.
func (q *LogQueue) push(l logLine) {
	q.queued = append(q.queued, l)
	q.size += l.cost()
}

// Refresh has the writer called soon, also with nothing to write. It does not wait.
func (q *LogQueue) Refresh() {
	q.mu.Lock()
	q.stale = true
	q.mu.Unlock()
	q.poke()
}

// poke tells drain that there is something to do.
func (q *LogQueue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// tell queues the line about dropped ones, if there are any.
func (q *LogQueue) tell() {
	if q.dropped == 0 {
		return
	}
	var text bytes.Buffer
	q.lost(&text, q.dropped)
	lost := q.dropped
	q.dropped = 0
	q.push(logLine{text: text.Bytes(), lost: lost})
}

// drain writes what is queued until the queue is closed and empty. It may
// wait for ever in a write: nobody waits for it but Close, which gives up.
func (q *LogQueue) drain() {
	defer close(q.done)
	var batch []byte
	for {
		lines, closed := q.take()
		if len(lines) == 0 {
			if q.refreshes() {
				_, _ = q.to.Write(nil) // what passes by is not missed
				continue
			}
			if closed {
				return
			}
			<-q.wake
			continue
		}
		batch = batch[:0]
		lost, cost := 0, 0
		for _, l := range lines {
			batch = append(batch, l.text...)
			lost += l.lost
			cost += l.cost()
		}
		err := writeAll(q.to, batch)
		if cap(batch) > 16*maxWrite {
			batch = nil
		}
		q.written(cost, lost, err)
	}
}

// refreshes tells whether the writer is to be called with nothing.
func (q *LogQueue) refreshes() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	stale := q.stale
	q.stale = false
	return stale
}

// writeAll tries again where the reader is slow and whoever shares the file has
// made it non-blocking.
func writeAll(to io.Writer, batch []byte) error {
	for {
		n, err := to.Write(batch)
		if !errors.Is(err, syscall.EAGAIN) {
			return err
		}
		batch = batch[n:]
		time.Sleep(retryWrite)
	}
}

// take returns the lines of the next write.
func (q *LogQueue) take() (lines []logLine, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queued) == 0 && !q.failing {
		q.tell() // nobody may ever write again
	}
	n, size := 0, 0
	for n < len(q.queued) && (n == 0 || size+len(q.queued[n].text) <= maxWrite) {
		size += len(q.queued[n].text)
		n++
	}
	lines = q.queued[:n:n]
	if q.queued = q.queued[n:]; len(q.queued) == 0 {
		q.queued = nil
	}
	return lines, q.closed
}

// written takes lines off the count once they are out of the way.
func (q *LogQueue) written(cost, lost int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= cost
	if q.failing = err != nil; q.failing {
		q.dropped += lost
	}
}

// Close lets no more lines in, and waits until those that are queued are
// written, at most so long: what nobody reads by then is lost.
func (q *LogQueue) Close(limit time.Duration) {
	if q.last != nil {
		q.last()
	}
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.poke()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
	}
}
