package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestBehind: a head that waits for longer than somebody has patience is told once, also over a restart, and then that it is applied.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a", "side a"), &targets{heard: map[string][]string{}}
		broken := true
		r.work = func(_ context.Context, rev git.Revision) error {
			if broken && rev.Name() == "main" {
				return errors.New("it broke")
			}
			return nil
		}
		task := r.task("deploy", "main", "side")
		late, both := NoticeTo("late"), NoticeTo("both")
		task.Notices = []Notice{
			{To: late, On: []Change{Late, Recovered}, Behind: time.Hour},
			{To: both, On: []Change{Late, Failed, Erred, Recovered}, Behind: 2 * time.Hour},
			{To: NoticeTo("patient"), On: []Change{Late, Recovered}, Behind: 24 * time.Hour},
		}
		b := newBench(t, task)
		b.Report = w.report
		stop := b.start(t)
		elapse(50 * time.Minute)
		want(t, "before the hour", len(w.heard[late]), 0)
		want(t, "branches that are behind", len(b.state(t, "deploy").Behind), 1)
		stop()
		b = b.again(t, task)
		b.Report = w.report
		b.start(t)
		elapse(2 * time.Hour)
		want(t, "late", w.heard[late], []string{"behind main a since a"})
		broken = false
		r.push("main", "b")
		elapse(time.Hour)
		want(t, "late", w.heard[late], []string{"behind main a since a", "caught_up main b since a"})
		want(t, "both", w.heard[both], []string{"error main a since a", "behind main a since a", "recovery main b since a"})
		want(t, "patient", len(w.heard[NoticeTo("patient")]), 0)
		want(t, "left", len(b.state(t, "deploy").Behind)+len(b.state(t, "deploy").Unreported), 0)
		broken = true
		r.push("main", "c")
		elapse(3 * time.Hour)
		r.remove("main")
		elapse(time.Hour)
		want(t, "at the end", w.heard[late][len(w.heard[late])-1], "gone main c since c")
	})
}
