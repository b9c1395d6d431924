package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestATaskBecomesOneOfEach while it runs, and is one of all again: each has a document of its own for that.
func TestATaskBecomesOneOfEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, r := &objects.Bucket{}, newRemote("main a")
		works(r, 2*time.Minute)
		one := r.task("deploy", "main")
		m := joining(t, b, "m", one)
		m.start(t)
		elapse(time.Minute)
		each := one
		each.Each, each.FinishUnleased, each.Digest = true, true, "each"
		m.Set([]Task{each})
		elapse(10 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main a"})
		want(t, "outcomes", m.told(Finished, Troubled), []string{"finished main a success", "finished main a success"})
		m.Set([]Task{one})
		elapse(10 * time.Minute)
		r.push("main", "b")
		elapse(10 * time.Minute)
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main a", "main a", "main b"})
		want(t, "failed", m.failed(), error(nil))
		want(t, "objects", b.Names(), []string{"team/beats/m", "team/instances/m.yaml", "team/tasks/deploy.yaml", "team/tasks/deploy/m.yaml"})
	})
}
