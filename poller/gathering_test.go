package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestNobodyWaitsForALeaseWhileReportsAreGathered: another instance may run what is new meanwhile, and each is told once.
func TestNobodyWaitsForALeaseWhileReportsAreGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		r := newRemote("main a")
		task := r.task("shop", "main")
		task.ReportTo = "somebody"
		one := joining(t, b, "one", task)
		until := time.Now().Add(5 * time.Minute)
		var heard []Outcome
		one.Report = func(_ context.Context, r Report) error {
			if time.Now().Before(until) {
				return &GatheringError{until}
			}
			heard = append(heard, r.Run.Outcome)
			return nil
		}
		one.start(t)
		elapse(time.Minute)
		other := joining(t, b, "other").memory("shop")
		if err := other.Acquire(t.Context()); err != nil || len(other.State.Unreported) != 1 {
			t.Fatalf("%d reports, %v", len(other.State.Unreported), err)
		}
		if err := other.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		elapse(5 * time.Minute)
		want(t, "heard", heard, []Outcome{Success})
		state, err := one.remembered(t.Context(), "shop")
		if err != nil || len(state.Unreported) != 0 {
			t.Errorf("%d reports, %v", len(state.Unreported), err)
		}
	})
}
