package metrics

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
)

func TestPausedAndPinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ran("shop", mainRef, a, poller.Success, time.Second)
		w.want(`pinned{task="shop"}`, 0)
		w.wantNone("paused_since")
		s := w.tasks["shop"]
		s.State.Paused = &poller.Hold{By: "anna", Since: time.Unix(1_700_000_000, 0)}
		w.tasks["shop"] = s
		w.want(`paused_since_timestamp_seconds{task="shop"}`, 1_700_000_000)

		r := w.tasks["shop"].State.Refs[mainRef]
		r.Pinned = &poller.Hold{By: "anna", SHA: a}
		w.remembers("shop", mainRef, b, r) // a head that should not be applied
		w.looked("shop")
		time.Sleep(time.Hour)
		w.want(`pinned{task="shop"}`, 1)
		w.want(`behind_seconds{task="shop"}`, 0)
		r.Pinned = nil
		w.remembers("shop", mainRef, b, r)
		w.looked("shop")
		time.Sleep(time.Minute)
		w.want(`pinned{task="shop"}`, 0)
		w.want(`behind_seconds{task="shop"}`, 60)
	})
}
