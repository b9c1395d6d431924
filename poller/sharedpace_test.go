package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestWhoIsSlowedDownIsNotBehind: where the host bears fewer polls, the others must not poll as well.
func TestWhoIsSlowedDownIsNotBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, r := &objects.Bucket{}, newRemote("main a")
		task := r.task("shop", "main")
		task.Pace = func() time.Duration { return 20 * time.Minute }
		for _, name := range []string{"a", "c", "d"} {
			joining(t, b, name, task).start(t)
		}
		elapse(5 * time.Minute)
		before, _ := r.seen()
		elapse(2 * time.Hour)
		if after, _ := r.seen(); after-before > 7 {
			t.Errorf("%d polls in two hours, one is due in 20 minutes", after-before)
		}
	})
}
