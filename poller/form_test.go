package poller

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestACommitKeepsTheFormItBeganWith, also when the task's changes, and on another branch: GitHub wants all that have a
// required name to pass.
func TestACommitKeepsTheFormItBeganWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.work = func(context.Context, git.Revision) error { return errors.New("no") }
		task := reported(r, "deploy")
		task.Refs, task.RunNew, task.Digest = git.Patterns{"refs/heads/*"}, true, "1"
		var told []string
		b := newBench(t, task)
		b.Report = func(_ context.Context, r Report) error {
			if r.Run.Outcome != Pending {
				told = append(told, r.Run.Revision.Name()+" "+r.Run.Revision.SHA[:1]+" "+r.As)
			}
			return nil
		}
		b.start(t)
		elapse(10 * time.Second)
		task.ReportAs, task.Digest = "check", "2"
		b.Set([]Task{task})
		r.work = nil // the retry succeeds, which is news
		r.mu.Lock()
		r.heads["refs/heads/other"] = sha("a")
		r.mu.Unlock()
		elapse(10 * time.Minute)
		r.push("main", "b")
		elapse(2 * time.Minute)
		task.ReportAs, task.Digest = "", "3"
		b.Set([]Task{task})
		r.mu.Lock()
		r.heads["refs/heads/third"] = sha("b")
		r.mu.Unlock()
		elapse(2 * time.Minute)
		slices.Sort(told)
		want(t, "told", told, []string{"main a ", "main a ", "main b check", "other a ", "third b check"})
	})
}
