package poller

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestAPushDuringTheRunOfAnother that a webhook tells of is run soon after that run has ended,
// also where the next poll is far.
func TestAPushDuringTheRunOfAnother(t *testing.T) {
	t.Parallel()
	for _, nudged := range []bool{true, false} { // who polls the task, not another one,
		t.Run(fmt.Sprint(nudged), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &objects.Bucket{}
				remotes, tasks := repositories(1)
				tasks[0].Interval = 6 * time.Hour
				r := remotes[0]
				var all [2]*member
				for i := range all {
					all[i] = joining(t, b, fmt.Sprintf("m%d", i), tasks...)
					all[i].start(t)
				}
				elapse(lease.TTL)
				first, second := all[0], all[1]
				if first.Members.Mine("task-0") == nudged {
					first, second = second, first
				}
				works(r, 2*time.Minute)
				r.push("main", "b")
				first.Nudge(Nudge{URL: url})
				elapse(lease.TTL)
				r.push("main", "c")
				second.Nudge(Nudge{URL: url})
				elapse(time.Minute + lease.TTL + 2*time.Minute)
				_, runs := r.seen()
				want(t, "runs", runs, []string{"main a", "main b", "main c"})
			})
		})
	}
}
