package poller

import (
	"context"
	"slices"
	"strings"
	"sync"
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
		var mu sync.Mutex
		var all []string
		ids := map[string]bool{}
		b.Report = func(_ context.Context, r Report) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, r.Run.Revision.SHA[:1]+" "+string(r.Run.Outcome)+" "+r.Run.Reason)
			ids[r.Run.ID] = true
			return nil
		}
		heard := func(since int) ([]string, int) {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all[since:]), len(ids)
		}
		hears := func(since int, texts ...string) {
			t.Helper()
			got, _ := heard(since)
			want(t, "heard", strings.Join(got, ", "), strings.Join(texts, ", "))
		}
		b.start(t)
		b.Set([]Task{b.tasks[0], waits})
		elapse(time.Second)
		hears(0)
		elapse(2 * time.Second)
		hears(0, "b pending waiting for a slot")
		elapse(11 * time.Minute)
		hears(0, "b pending waiting for a slot", "b pending ", "b success ")
		_, runs := heard(0)
		want(t, "runs", runs, 1)

		long.push("main", "c")
		b.NudgeTask("long")
		elapse(time.Second)
		short.push("main", "c")
		b.NudgeTask("waits")
		elapse(3 * time.Second)
		short.push("main", "d")
		elapse(11 * time.Minute)
		hears(3, "c pending waiting for a slot", "c failure superseded by ddddddd", "d pending ", "d success ")
		want(t, "left", len(b.state(t, "waits").Queue), 0)
	})
}

// TestWhatWaitsForLongIsToldAnewAsItStarts, since GitHub calls a check run stale that does not end. A status may wait.
func TestWhatWaitsForLongIsToldAnewAsItStarts(t *testing.T) {
	for form, heard := range map[string][]string{
		"check":  {"a failure, window, never ran: opens Thu 06:00 UTC, for longer than a day (its own)"},
		"status": {},
	} {
		t.Run(form, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, h := newRemote("main a"), &listener{}
				works(r, time.Second)
				task := reported(r, "deploy", "main")
				task.ReportAs, task.Rules.Windows = map[string]string{"check": "check"}[form], windows(t, "Thu 06:00-20:00 UTC")
				b := newBench(t, task)
				b.Report = h.report
				b.start(t)
				want(t, "on Saturday", h.since(), []string{"a pending, window, opens Thu 06:00 UTC"})
				elapse(23 * time.Hour)
				want(t, "once", h.since(), []string{})
				elapse(2 * time.Hour)
				want(t, "after a day", h.since(), heard)
				elapse(72 * time.Hour)
				want(t, "no more", h.since(), []string{})
				elapse(48 * time.Hour)
				want(t, "runs", len(h.since()), 2)
				want(t, "runs known by name", len(h.ids), 1+len(heard))
				want(t, "left", len(b.state(t, "deploy").Queue), 0)
			})
		})
	}
}
