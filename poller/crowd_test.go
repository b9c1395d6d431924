package poller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestPullRequestsOfOneStrangerAreFew: so many run and wait at a time, the oldest first, and the others are told for what they
// wait. What somebody has approved of is not kept back, and neither is anybody else.
func TestPullRequestsOfOneStrangerAreFew(t *testing.T) {
	for _, approve := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote("main f")
			pull := func(n int) string { return fmt.Sprintf("refs/pull/%d/head", n) }
			for n := 8; n <= 12; n++ {
				r.ref(pull(n), fmt.Sprintf("%x", n))
			}
			r.ref("refs/pull/13/head", "d")
			r.ref("refs/pull/20/head", "e") // of somebody who is trusted
			task, theirs := forked(r, nil)
			task.Trust = func(rev git.Revision) Trust {
				switch {
				case !IsPull(rev.Ref), rev.Ref == pull(20):
					return Trust{}
				case rev.Ref == pull(13):
					return Trust{Foreign: true, Approve: approve, Author: "mallory", Most: 2}
				}
				return Trust{Foreign: true, Approve: approve, Author: "eve", Most: 2}
			}
			theirs.work = (&gauge{}).during(10 * time.Minute)
			task.ReportTo, task.Rules.Parallel = "kitops/deploy", 8
			var mu sync.Mutex
			heard := map[string]string{}
			b := newBench(t, task)
			b.Report = func(_ context.Context, r Report) error {
				mu.Lock()
				defer mu.Unlock()
				heard[r.Run.Revision.Ref] = r.Run.Reason
				return nil
			}
			b.start(t)
			elapse(2 * time.Minute)
			const waits = "waits: 2 pull requests of eve are ahead"
			why := func(n int) string {
				s, _, err := b.StandingOf(t.Context(), "deploy")
				i := slices.IndexFunc(s.Refs, func(r RefStanding) bool { return r.Ref == pull(n) })
				if err != nil || i < 0 {
					t.Fatal(n, s, err)
				}
				return s.Refs[i].Why
			}
			for n := 10; n <= 12; n++ {
				want(t, "why", why(n), waits)
				mu.Lock()
				want(t, "heard", heard[pull(n)], waits)
				mu.Unlock()
			}
			if why(13) == waits || why(9) == waits || why(8) == waits {
				t.Error(why(8), why(9), why(13))
			}
			known, _ := b.Snapshot("deploy")
			want(t, "kept", known.Kept[pull(12)], true)
			_, trusted := r.seen()
			want(t, "trusted", slices.Contains(trusted, "pull/20/head e"), true)
			if approve {
				b.ordered(t, Order{What: Approve, SHA: sha("b")}) // of number 11, which is not its turn
				elapse(2 * time.Minute)
				_, runs := theirs.seen()
				want(t, "approved", runs, []string{"pull/11/head b"})
				want(t, "why", why(12), waits)
				r.ref(pull(8), "") // closed
				r.ref(pull(9), "")
				elapse(15 * time.Minute)
				want(t, "its turn", why(10), "waits for approval of aaaaaaa")
				want(t, "its turn", why(12), "waits for approval of ccccccc")
				return
			}
			elapse(time.Hour)
			_, runs := theirs.seen()
			want(t, "runs", runs, []string{"pull/8/head 8", "pull/9/head 9", "pull/10/head a", "pull/11/head b", "pull/12/head c", "pull/13/head d"})
		})
	}
}
