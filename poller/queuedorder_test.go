package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestWhatWasToldToWaitIsToldHowItEnds, also as a further try at a revision, of which less is told otherwise: somebody has
// replaced the order that it was to run again.
func TestWhatWasToldToWaitIsToldHowItEnds(t *testing.T) {
	for _, as := range []string{"", "check"} {
		synctest.Test(t, func(t *testing.T) {
			r, h := newRemote("main a"), &listener{}
			r.work = func(context.Context, git.Revision) error { return errors.New("no") }
			task := reported(r, "deploy", "main")
			task.ReportAs, task.Rules.Windows = as, windows(t, "00:00-00:30 UTC")
			b := newBench(t, task)
			b.Report = h.report
			b.start(t)
			elapse(time.Hour)
			h.since()
			b.ordered(t, Order{What: Again})
			elapse(time.Minute)
			h.since()
			b.ordered(t, Order{What: Pin, SHA: sha("a")})
			elapse(24 * time.Hour)
			heard := h.since()
			if len(heard) == 0 || heard[len(heard)-1] != "a error, no (its own)" {
				t.Errorf("as %q: %v", as, heard)
			}
			want(t, "waits", len(b.state(t, "deploy").Queue), 0)
		})
	}
}

// TestAnOrderThatIsTakenBack leaves the commit as it was told before.
func TestAnOrderThatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a"), &listener{}
		works(r, time.Second)
		task := reported(r, "deploy", "main")
		task.Rules.Windows = windows(t, "00:00-00:30 UTC")
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		elapse(time.Hour)
		h.since()
		b.ordered(t, Order{What: Again})
		elapse(time.Minute)
		h.since()
		b.ordered(t, Order{What: Pin, SHA: sha("a")})
		elapse(time.Minute)
		want(t, "told", h.since(), []string{"a success, Not run: there is nothing to run any more (its own)"})
	})
}
