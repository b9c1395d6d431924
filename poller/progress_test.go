package poller

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestLongCheckoutsSayHowFarTheyAre has one that takes three seconds, and one that takes less than one.
func TestLongCheckoutsSayHowFarTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.work = func(ctx context.Context, rev git.Revision) error {
			if rev.SHA == sha("b") {
				time.Sleep(longCheckout - time.Millisecond)
				return nil
			}
			p := git.ProgressOf(ctx)
			time.Sleep(progressPause / 2) // never at the moment at which somebody looks
			for range 3 {
				p.Wrote()
				time.Sleep(time.Second)
			}
			p.Plans(4)
			time.Sleep(progressPause)
			return nil
		}
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		var told []Progress
		var kinds []Kind
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if e.Kind == Progressed {
				told = append(told, e.Progress)
				want(t, "whose", e.Run.Revision.SHA+" of "+e.Task, sha("a")+" of deploy")
			}
			if e.Kind != Looked && (len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind) {
				kinds = append(kinds, e.Kind)
			}
		}
		want(t, "how far", told, []Progress{{Files: 1}, {Files: 2}, {Files: 3}, {Files: 3, Planned: 7}, {Over: true}})
		want(t, "the order", slices.Equal(kinds, []Kind{Started, Progressed, Finished, Started, Finished}), true)
	})
}
