package actions

import (
	"io"
	"os"
	"time"
)

// output carries what a command prints to a writer. Stdout and stderr share
// its one pipe, so that their order is kept.
type output struct {
	pipe *os.File
	to   io.Writer
	done chan struct{} // closed when nothing more is written
}

// newOutput returns the output and the end of its pipe the command writes to.
func newOutput(to io.Writer) (o *output, w *os.File, err error) {
	if to == nil {
		to = io.Discard
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &output{pipe: r, to: to, done: make(chan struct{})}, w, nil
}

// read copies until the pipe's last writer is gone, or finish closes it.
func (o *output) read() {
	go func() {
		defer close(o.done)
		buf := make([]byte, 32<<10)
		for to := o.to; ; {
			n, err := o.pipe.Read(buf)
			if n > 0 {
				if _, werr := to.Write(buf[:n]); werr != nil {
					to = io.Discard // the command must not suffer from a broken log
				}
			}
			if err != nil {
				return
			}
		}
	}()
}

// finish waits for the end of the output, but not for processes that hold it
// open (WaitDelay, and none after kill) nor for a writer that blocks (WaitDelay).
func (o *output) finish(kill <-chan struct{}) {
	o.await(kill)
	o.discard()
	o.await(nil)
}

func (o *output) await(kill <-chan struct{}) {
	timer := time.NewTimer(WaitDelay)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	case <-kill:
	}
}

// discard closes the pipe, which ends a read under way.
func (o *output) discard() {
	o.pipe.Close() // closing twice is harmless here
}
