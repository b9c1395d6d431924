package poller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store"
)

// heard is a reporter that notes what it takes.
type heard struct {
	mu    sync.Mutex
	all   []string
	taken func(Report) // may be nil
}

func (h *heard) report(_ context.Context, r Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, fmt.Sprintf("%s %s doubtful:%t", r.Run.Revision.SHA[:1], r.Run.Outcome, r.Doubtful))
	if h.taken != nil {
		h.taken(r)
	}
	return nil
}

// TestWhatWasTakenIsNotSaidAgain when the store is away just then, for longer than the lease lasts, so that it cannot be saved.
func TestWhatWasTakenIsNotSaidAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a"), &heard{}
		works(r, 30*time.Second)
		b, wire := sharing(t, store.NewMemory(), "a", reported(r, "deploy", "main"))
		h.taken = func(report Report) {
			if report.Run.Outcome == Success {
				wire.set(true)
				time.AfterFunc(100*time.Second, func() { wire.set(false) })
			}
		}
		b.Report = h.report
		b.start(t)
		elapse(10 * time.Minute)
		want(t, "heard", h.all, []string{"a pending doubtful:false", "a success doubtful:false"})
		want(t, "left", len(b.state(t, "deploy").Unreported), 0)
	})
}

// TestWhoInheritsAReportDoubtsIt: the one who died may have said it.
func TestWhoInheritsAReportDoubtsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, h := store.NewMemory(), newRemote("main a"), &heard{}
		works(r, 30*time.Second)
		a, wire := sharing(t, s, "a", reported(r, "deploy", "main"))
		a.Report = func(ctx context.Context, r Report) error {
			if r.Run.Outcome == Success {
				wire.set(true) // it was said, and that is saved nowhere
			}
			return h.report(ctx, r)
		}
		stop := a.start(t)
		elapse(45 * time.Second)
		stop()
		b, _ := sharing(t, s, "b", reported(r, "deploy", "main"))
		b.Report = h.report
		b.start(t)
		elapse(5 * time.Minute)
		want(t, "heard", h.all, []string{"a pending doubtful:false", "a success doubtful:false", "a success doubtful:true"})
	})
}
