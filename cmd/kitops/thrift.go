package main

import (
	"time"

	"github.com/bittrance/kitops/poller"
)

// restAfter is how long no run must have ended before memory is given back.
const restAfter = 3 * time.Second

// thrift gives the memory that runs took back to the system once they are
// over. Go would keep it for minutes, and an agent rests most of the time. In a
// steady flow of runs it does nothing; else it costs one collection, which is
// little beside the fetch before it.
type thrift struct{ timer *time.Timer }

func newThrift(free func()) *thrift { return &thrift{time.AfterFunc(restAfter, free)} }

// observe implements poller.Observer.
func (t *thrift) observe(e poller.Event) {
	if e.Kind == poller.Finished {
		t.timer.Reset(restAfter)
	}
}

func (t *thrift) close() { t.timer.Stop() }
