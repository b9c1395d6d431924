package actions

import (
	"io"
	"os"
	"time"
)

// drainPause follows each full buffer that is read to nowhere, so that a
// background process which prints without end costs little.
const drainPause = 5 * time.Millisecond

// output carries what a command prints to a writer. Stdout and stderr share
// its one pipe, so that their order is kept. Background processes that a
// command leaves go on printing into it, and must not die of that.
type output struct {
	pipe *os.File
	to   io.Writer
	all  *Processes
	over chan struct{} // closed: nothing more is written
	turn chan struct{} // of one: held while something is written
	done chan struct{} // closed when the pipe has ended
}

// newOutput returns the output and the end of its pipe the command writes to.
func newOutput(to io.Writer, all *Processes) (o *output, w *os.File, err error) {
	if to == nil {
		to = io.Discard
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	o = &output{pipe: r, to: to, all: all}
	o.over, o.turn, o.done = make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	return o, w, nil
}

// read copies until the pipe's last writer is gone. After finish it only takes
// what comes, to nowhere.
func (o *output) read() {
	go func() {
		defer o.pipe.Close()
		defer o.all.drained(o.pipe)
		defer close(o.done)
		buf := make([]byte, 32<<10)
		for {
			n, err := o.pipe.Read(buf)
			if n > 0 && !o.write(buf[:n]) && n == len(buf) {
				time.Sleep(drainPause)
			}
			if err != nil {
				return
			}
		}
	}()
}

// write tells whether anybody takes the output still. A broken log is none of
// the command's business.
func (o *output) write(p []byte) bool {
	select {
	case <-o.over:
		return false
	case o.turn <- struct{}{}:
	}
	defer func() { <-o.turn }()
	select {
	case <-o.over:
		return false
	default:
	}
	if _, err := o.to.Write(p); err != nil {
		o.to = io.Discard
	}
	return true
}

// finish waits for the end of the output, but not longer than the delay for
// processes that hold it open (not at all after kill), nor for a writer that blocks.
func (o *output) finish(delay time.Duration, kill <-chan struct{}) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-o.done:
		return
	case <-timer.C:
	case <-kill:
	}
	o.all.drain(o.pipe)
	close(o.over)
	timer.Reset(delay)
	select {
	case o.turn <- struct{}{}:
	case <-timer.C:
	}
}

// discard closes a pipe that nobody reads.
func (o *output) discard() { o.pipe.Close() }
