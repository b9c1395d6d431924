package poller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

func TestWhatAsksToBeSkipped(t *testing.T) {
	for message, want := range map[string]bool{
		"Docs [skip ci]": true, "Docs\n\n[Skip CI]": true, "[skip kitops]": true, "[skip kitops-ci]": false, "skip ci": false, "[ci skip]": false, "[skip  ci]": false, "": false,
	} {
		if skips(message) != want {
			t.Errorf("%q", message)
		}
	}
}

// TestSkippedOnRequest: such a head is applied without a run and told so, however silent the task is; what somebody orders runs.
func TestSkippedOnRequest(t *testing.T) {
	for _, silent := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r, w := newRemote("main a"), &world{}
			task := reported(r, "deploy", "main")
			task.Rules.SkipCI, task.Brings, task.Silent, task.DeployTo = true, true, silent, DeployTo("production")
			messages := map[string]string{sha("b"): "docs [skip ci]"}
			task.Text = func(_ context.Context, rev git.Revision) (git.Text, error) {
				return git.Text{Message: messages[rev.SHA]}, nil
			}
			b := newBench(t, task).hearing(w)
			b.start(t)
			elapse(2 * time.Minute)
			r.push("main", "b")
			elapse(30 * time.Minute)
			_, runs := r.seen()
			want(t, "checkouts", runs, []string{"main a"})
			last := b.state(t, "deploy").Refs["refs/heads/main"]
			want(t, "applied", last.Applied, sha("b"))
			want(t, "reason", last.Run.Reason, SkippedOnRequest)
			want(t, "told", strings.Count(strings.Join(w.heard, "; "), "kitops/deploy main b success"), 1)
			want(t, "deployments of it", strings.Count(strings.Join(w.heard, "; "), "deployment:production main b"), 0)
			b.ordered(t, Order{What: Again})
			elapse(2 * time.Minute)
			_, runs = r.seen()
			want(t, "checkouts", runs, []string{"main a", "main b"})
		})
	}
}

// TestOwnPushesDoNotGoRound: a task that pushes to the branch that it watches runs once for each push of others.
func TestOwnPushesDoNotGoRound(t *testing.T) {
	for _, run := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote("main a")
			next, own := map[string]string{"a": "b", "b": "c", "c": "d", "e": "f"}, map[string]bool{}
			r.work = func(_ context.Context, rev git.Revision) error {
				if to := next[rev.SHA[:1]]; to != "" {
					own[sha(to)] = true
					r.push("main", to)
				}
				return nil
			}
			task := r.task("deploy", "main")
			task.Rules.RunOwn = run
			var down error
			task.Pushed = func(_ context.Context, rev git.Revision) (bool, error) { return own[rev.SHA], down }
			b := newBench(t, task)
			b.start(t)
			elapse(10 * time.Minute)
			_, runs := r.seen()
			if run {
				want(t, "runs", runs, []string{"main a", "main b", "main c", "main d"})
				return
			}
			want(t, "runs", runs, []string{"main a"})
			want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("b"))
			want(t, "reason", b.state(t, "deploy").Refs["refs/heads/main"].Run.Reason, PushedByItself)
			r.push("main", "e")
			elapse(10 * time.Minute)
			_, runs = r.seen()
			want(t, "runs", runs, []string{"main a", "main e"})
			want(t, "warned", strings.Count(b.texts(Noticed), "own_pushes: run"), 1)

			// Where it cannot be told it runs, which is said.
			down = errors.New("no answer")
			r.push("main", "1")
			elapse(10 * time.Minute)
			_, runs = r.seen()
			want(t, "runs", runs, []string{"main a", "main e", "main 1"})
			want(t, "warned", strings.Count(b.texts(Noticed), "it is not known who has pushed it: no answer; it runs"), 1)
		})
	}
}

// TestSkippedAfterAFailure: what a run that failed has left behind is not undone by a head that is passed over, so that the
// next one runs whatever has changed; and so it does where the paths were changed meanwhile.
func TestSkippedAfterAFailure(t *testing.T) {
	for _, changed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote("main a")
			task := failsAt(r, "b", "main")
			task.Paths, task.Brings, task.Rules.SkipCI = git.PathPatterns{"api/**"}, true, true
			task.Changes = func(_ context.Context, rev git.Revision, _ string) (git.Changed, error) {
				if rev.SHA == sha("b") {
					return git.Changed{{Name: "api/x"}}, nil
				}
				return nil, nil
			}
			task.Text = func(_ context.Context, rev git.Revision) (git.Text, error) {
				return git.Text{Message: map[string]string{sha("c"): "[skip ci]", sha("d"): "[skip ci]"}[rev.SHA]}, nil
			}
			b := newBench(t, task)
			b.start(t)
			elapse(2 * time.Minute)
			if changed {
				task.Paths, task.Digest = git.PathPatterns{"web/**"}, "another"
				b.Set([]Task{task})
			} else {
				r.push("main", "b")
				elapse(61 * time.Second)
			}
			for _, head := range []string{"c", "d", "e"} {
				r.push("main", head)
				elapse(2 * time.Minute)
			}
			acted := b.told(ActionStarted)
			want(t, "last", acted[len(acted)-1], "action started main e")
			want(t, "passed over", strings.Contains(strings.Join(acted, ";"), "main c") || strings.Contains(strings.Join(acted, ";"), "main d"), false)
		})
	}
}
