package poller

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatIsParkedTooLongGoes also where all runs go on beside their watch.
func TestWhatIsParkedTooLongGoes(t *testing.T) {
	for _, parallel := range []int{1, 4} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote("main a")
				task := r.task("deploy", "main")
				task.Rules.Parallel = parallel
				b := newBench(t, task)
				b.start(t)
				dir := b.parkDir("deploy", url, "refs/heads/gone")
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				b.parks.add(dir, Parked{At: time.Now()})
				elapse(parkedFor - time.Minute)
				want(t, "there within a day", exists(dir), true)
				elapse(2 * time.Minute)
				want(t, "there after a day", exists(dir), false)
			})
		})
	}
}
