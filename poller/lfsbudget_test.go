package poller

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestUsedUpBudget is tried again by the hour: each try costs what is missing.
func TestUsedUpBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		tries := 0
		task.Checkout = func(context.Context, git.Revision, string) error {
			tries++
			return fmt.Errorf("check out: %w", git.ErrLFSBudget)
		}
		b := newBench(t, task)
		b.start(t)
		elapse(59 * time.Minute)
		want(t, "tries", tries, 1)
		elapse(2 * time.Minute)
		want(t, "tries", tries, 2)
		elapse(time.Hour)
		want(t, "tries", tries, 3)
		want(t, "outcome", b.state(t, "deploy").Refs["refs/heads/main"].Run.Outcome, Error)
	})
}
