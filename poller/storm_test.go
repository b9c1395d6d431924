package poller

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestRetryStorm: after fifty failures in a row, retries come one at a time every ten minutes, which is said once; a new head
// runs at once, and one success ends it.
func TestRetryStorm(t *testing.T) {
	for _, parallel := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote()
			for i := range 52 {
				r.heads[fmt.Sprintf("refs/heads/b%02d", i)] = fmt.Sprintf("%040d", i)
			}
			var healed atomic.Bool
			task := r.task("deploy")
			task.Refs, task.RunNew, task.Rules.Parallel = git.Patterns{"refs/heads/*"}, true, parallel
			task.Plan = func(_ context.Context, _ string, rev git.Revision) (Plan, error) {
				if healed.Load() || strings.HasPrefix(rev.SHA, "a") {
					return Plan{}, nil
				}
				return Plan{}, fmt.Errorf("no plan")
			}
			b := newBench(t, task)
			b.start(t)
			elapse(20 * time.Second)
			runs := func() int { return len(b.told(Started)) }
			first := runs()
			want(t, "first tries", first, 52)
			elapse(time.Hour)
			if n := runs() - first; n < 5 || n > 7 {
				t.Errorf("%d retries in an hour", n)
			}
			want(t, "noticed", strings.Count(b.texts(Noticed), "50 runs in a row have failed"), 1)
			want(t, "told", strings.Count(b.texts(Skipped), "50 runs in a row have failed"), 1)
			want(t, "why", strings.Contains(b.why(t), "50 runs in a row have failed"), true)
			before := runs()
			r.push("b07", "9")
			elapse(time.Minute)
			want(t, "new heads", runs()-before, 1)
			healed.Store(true)
			elapse(15 * time.Minute)
			want(t, "the storm", b.state(t, "deploy").Storm, (*storm)(nil))
			if n := runs() - before; n < 52 {
				t.Errorf("%d runs after the first success", n)
			}
		})
	}
}
