package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatWaitsForASlotIsReported after two seconds; its run goes on under the same ID, and another head takes it back.
func TestWhatWaitsForASlotIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long, short := newRemote("main a"), newRemote("main b")
		works(long, 10*time.Minute)
		works(short, time.Second)
		waits := reported(short, "waits", "main")
		b := newBench(t, long.task("long", "main"))
		b.Parallel = 1
		var heard []string
		ids := map[string]bool{}
		b.Report = func(_ context.Context, r Report) error {
			heard = append(heard, r.Run.Revision.SHA[:1]+" "+string(r.Run.Outcome)+" "+r.Run.Reason)
			ids[r.Run.ID] = true
			return nil
		}
		b.start(t)
		b.Set([]Task{b.tasks[0], waits})
		elapse(time.Second)
		want(t, "heard", heard, []string{})
		elapse(2 * time.Second)
		want(t, "heard", heard, []string{"b pending waiting for a slot"})
		elapse(11 * time.Minute)
		want(t, "heard", heard, []string{"b pending waiting for a slot", "b pending ", "b success "})
		want(t, "runs", len(ids), 1)

		heard = nil
		long.push("main", "c")
		b.NudgeTask("long")
		elapse(time.Second)
		short.push("main", "c")
		b.NudgeTask("waits")
		elapse(3 * time.Second)
		short.push("main", "d")
		elapse(11 * time.Minute)
		want(t, "heard", heard, []string{"c pending waiting for a slot", "c failure superseded by ddddddd", "d pending ", "d success "})
		want(t, "left", len(b.state(t, "waits").Queue), 0)
	})
}
