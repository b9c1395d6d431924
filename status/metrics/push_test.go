package metrics

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

func TestPushToRunIsCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		run := func(task, sha string, attempt, actions int) {
			r := poller.Run{Revision: git.Revision{Ref: mainRef, SHA: sha}, Attempt: attempt}
			w.m.Observe(poller.Event{Kind: poller.Started, Task: task, Run: r})
			for range actions {
				w.m.Observe(poller.Event{Kind: poller.ActionStarted, Task: task, Run: r})
			}
		}
		const count = "push_to_run_seconds count"
		run("shop", a, 1, 1) // a poll found it
		w.want(count, 0)
		w.m.Announced(b, time.Now())
		time.Sleep(3 * time.Second)
		w.m.Announced(b, time.Now()) // again, by the delivery log
		run("shop", b, 1, 2)
		w.want(count, 1)
		w.want("push_to_run_seconds sum", 3)
		run("shop", b, 2, 1)
		run("shop", b, 1, 1)
		w.want(count, 1)
		run("docs", b, 1, 1)
		w.want(count, 2)

		r := poller.Run{Revision: git.Revision{Ref: mainRef, SHA: c}, Attempt: 1}
		w.m.Observe(poller.Event{Kind: poller.Started, Task: "shop", Run: r})
		w.m.Observe(poller.Event{Kind: poller.ActionStarted, Task: "shop", Run: r})
		w.m.Announced(c, time.Now()) // the poll was faster
		w.m.Observe(poller.Event{Kind: poller.ActionStarted, Task: "shop", Run: r})
		w.want(count, 2)
	})
}

func TestAnnouncementsAreBounded(t *testing.T) {
	t.Parallel()
	var all announcements
	for i := range 3 * maxAnnounced {
		all.add(fmt.Sprint(i), time.Now())
	}
	if len(all.known) != maxAnnounced || len(all.ring) != maxAnnounced {
		t.Errorf("%d and %d are remembered", len(all.known), len(all.ring))
	}
	if _, told := all.firstOf(fmt.Sprint(3*maxAnnounced-1), "shop"); !told {
		t.Error("the latest is forgotten")
	}
}
