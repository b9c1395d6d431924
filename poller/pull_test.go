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

// TestPullRequestIsAskedAgain as its run starts: what is not ready is waited for, without the slot; what has moved is
// no failure, and a conflict is one.
func TestPullRequestIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		open := func(c string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.heads["refs/pull/7/head"] = sha(c)
		}
		open("b")
		task := r.task("deploy")
		task.Refs, task.RunNew = git.Patterns{"refs/pull/*/head"}, true
		answers := []error{&PassingError{errors.New("not merged yet")}, &PassingError{errors.New("not merged yet")}, nil, git.ErrMoved, nil, &ConflictError{"main"}}
		var asked []time.Duration
		begun := time.Now()
		task.PullOf = func(_ context.Context, rev git.Revision) (Pull, error) {
			asked = append(asked, time.Since(begun).Truncate(time.Second))
			err := answers[0]
			if len(answers) > 1 {
				answers = answers[1:]
			}
			return Pull{Number: 7, Base: "main", Head: rev.SHA, Merge: sha("f")}, err
		}
		b := newBench(t, task)
		b.start(t)
		elapse(10 * time.Second)
		want(t, "asked", asked[:3], []time.Duration{0, 2 * time.Second, 6 * time.Second})
		open("c")
		elapse(2 * time.Minute)
		open("d")
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "checkouts", runs, []string{"pull/7/merge f", "pull/7/merge f"})
		want(t, "outcomes", slices.Compact(b.started()), []string{"pull/7/head b after  success moved", "pull/7/head c after b error moved", "pull/7/head c after b success moved", "pull/7/head d after c failure moved"})
		r.mu.Lock()
		delete(r.heads, "refs/pull/7/head")
		r.mu.Unlock()
		elapse(2 * time.Minute)
		want(t, "told", b.told(Forgotten), []string{"forgotten pull/7/head d"})
	})
}

// TestPullRequestWaitsForTheEndOfALimit of the host, when it starts and when it is fetched: that says nothing of the revision.
func TestPullRequestWaitsForTheEndOfALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.heads["refs/pull/7/head"] = sha("b")
		task := r.task("deploy")
		task.Refs, task.RunNew, task.Timeout = git.Patterns{"refs/pull/*/head"}, true, 2*time.Hour
		begun := time.Now()
		limited := func(until time.Duration) error {
			if time.Since(begun) < until {
				return &LaterError{At: begun.Add(until), Err: errors.New("rate limit")}
			}
			return nil
		}
		asked := 0
		task.PullOf = func(_ context.Context, rev git.Revision) (Pull, error) {
			asked++
			return Pull{Number: 7, Base: "main", Head: rev.SHA}, limited(20 * time.Minute)
		}
		checkout, tried := task.Checkout, 0
		task.Checkout = func(ctx context.Context, rev git.Revision, dir string) error {
			tried++
			if err := limited(40 * time.Minute); err != nil {
				return err
			}
			return checkout(ctx, rev, dir)
		}
		b := newBench(t, task)
		b.start(t)
		elapse(45 * time.Minute)
		want(t, "runs", b.started(), []string{"pull/7/head b after  success moved"})
		want(t, "asked, tried", [2]int{asked, tried}, [2]int{2, 2})
		begun = time.Now().Add(3 * time.Hour) // longer than a run may take
		r.mu.Lock()
		r.heads["refs/pull/7/head"] = sha("c")
		r.mu.Unlock()
		elapse(2 * time.Minute)
		want(t, "runs", slices.Compact(b.started()), []string{"pull/7/head b after  success moved", "pull/7/head c after b error moved"})
	})
}

func TestPullRequestThatIsNeverMergedIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.heads["refs/pull/7/head"] = sha("b")
		task := r.task("deploy")
		task.Refs, task.RunNew, task.Interval = git.Patterns{"refs/pull/*/head"}, true, time.Hour
		task.PullOf = func(context.Context, git.Revision) (Pull, error) {
			return Pull{}, &PassingError{errors.New("not merged yet")}
		}
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		want(t, "runs", b.started(), []string(nil))
		elapse(3 * time.Minute)
		want(t, "runs", b.started(), []string{"pull/7/head b after  error moved"})
	})
}

func TestVariablesOfAPullRequest(t *testing.T) {
	run := Run{Revision: git.Revision{Ref: "refs/pull/7/head", SHA: "1"}, Pull: &Pull{Number: 7, Base: "main", Head: "1", HeadRepository: "acme/shop", Merge: "2", BaseSHA: "3"}}
	want(t, "checked out", run.CheckedOut(), git.Revision{Ref: "refs/pull/7/merge", SHA: "2"})
	want(t, "variables", run.pullVars(), []string{"KITOPS_PULL_REQUEST=7", "KITOPS_BASE_REF=main", "KITOPS_BASE_SHA=3", "KITOPS_HEAD_SHA=1", "KITOPS_HEAD_REPOSITORY=acme/shop"})
}

// TestPullRequestIsComparedWithItsBase by paths, whatever the default branch is.
func TestPullRequestIsComparedWithItsBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.heads["refs/pull/7/head"] = sha("b")
		task := r.task("deploy")
		task.Refs, task.RunNew, task.Paths = git.Patterns{"refs/pull/*/head"}, true, git.PathPatterns{"api/**"}
		task.PullOf = func(_ context.Context, rev git.Revision) (Pull, error) {
			return Pull{Number: 7, Base: "release/1", Head: rev.SHA}, nil
		}
		var asked []string
		task.Changes = func(_ context.Context, _ git.Revision, since string) (git.Changed, error) {
			asked = append(asked, since)
			return nil, nil
		}
		b := newBench(t, task)
		b.start(t)
		r.mu.Lock()
		r.heads["refs/pull/7/head"] = sha("c")
		r.mu.Unlock()
		elapse(2 * time.Minute)
		want(t, "compared with", asked, []string{"refs/heads/release/1", sha("b")})
	})
}
