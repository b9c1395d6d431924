package poller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// ref moves a ref of any kind, or removes it.
func (r *remote) ref(ref, c string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heads[ref] = sha(c); c == "" {
		delete(r.heads, ref)
	}
}

// TestRunThatNobodyWantsAnyMore is ended: of a pull request with a newer head, or that was closed, and of a merge queue that
// needs its branch no more, of which nobody hears. A branch's is finished.
func TestRunThatNobodyWantsAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pull, queue = "refs/pull/7/head", "refs/heads/gh-readonly-queue/main/pr-7-abc"
		r, g := newRemote("main a"), &gauge{}
		r.work = g.during(10 * time.Minute)
		var mu sync.Mutex
		var heard []string
		task := reported(r, "deploy", "**")
		task.Refs, task.RunNew = append(task.Refs, "refs/pull/*/head"), true
		b := newBench(t, task)
		b.Report = func(_ context.Context, r Report) error {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, fmt.Sprintf("%s %.1s %s %s", r.Run.Revision.Name(), r.Run.Revision.SHA, r.Run.Outcome, r.Run.Reason))
			return nil
		}
		b.start(t)
		r.push("main", "b")
		elapse(21 * time.Minute)
		want(t, "branches", b.told(Finished), []string{"finished main a success", "finished main b success"})

		mu.Lock()
		heard = nil
		mu.Unlock()
		r.ref(pull, "1")
		elapse(2 * time.Minute)
		r.ref(pull, "2")
		elapse(2 * time.Minute)
		want(t, "runs", b.state(t, "deploy").Refs[pull].Run.Revision.SHA, sha("2"))
		r.ref(pull, "")
		elapse(2 * time.Minute)
		_, known := b.state(t, "deploy").Refs[pull]
		want(t, "remembered", known, false)
		r.ref(queue, "3")
		elapse(2 * time.Minute)
		want(t, "runs", b.state(t, "deploy").Refs[queue].unfinished(), true)
		r.ref(queue, "")
		elapse(2 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		want(t, "heard", heard, []string{
			"pull/7/head 1 pending ", "pull/7/head 1 failure superseded by 2222222", "pull/7/head 2 pending ",
			"pull/7/head 2 failure the pull request is closed or no longer watched", "gh-readonly-queue/main/pr-7-abc 3 pending ",
		})
		want(t, "refs", len(b.state(t, "deploy").Refs), 1)
		want(t, "trouble", b.told(Troubled), []string{})
	})
}

// TestPullRequestIsFinishedWhereTheTaskWantsThat although it has a newer head.
func TestPullRequestIsFinishedWhereTheTaskWantsThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("main a"), &gauge{}
		r.work = g.during(10 * time.Minute)
		r.ref("refs/pull/7/head", "1")
		task := r.task("deploy")
		task.Refs, task.RunNew, task.Rules.FinishPulls = git.Patterns{"refs/pull/*/head"}, true, true
		b := newBench(t, task)
		b.start(t)
		r.ref("refs/pull/7/head", "2")
		elapse(25 * time.Minute)
		want(t, "finished", b.told(Finished), []string{"finished pull/7/head 1 success", "finished pull/7/head 2 success"})
	})
}

// TestBaseOfAPullRequest is known to its actions; that it is not known is no failure.
func TestBaseOfAPullRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref("refs/pull/7/head", "1")
		task := r.task("deploy")
		task.Refs, task.RunNew = git.Patterns{"refs/pull/*/head"}, true
		task.PullOf = func(_ context.Context, rev git.Revision) (Pull, error) {
			return Pull{Number: 7, Base: "release", Head: rev.SHA}, nil
		}
		answers := []error{&PassingError{fmt.Errorf("an outage")}, nil, &git.DoubtError{Reason: "no such branch"}}
		task.MergeBase = func(_ context.Context, rev git.Revision, branch string) (string, error) {
			err := answers[0]
			answers = answers[1:]
			return branch + " of " + rev.Name(), err
		}
		b := newBench(t, task)
		b.start(t)
		elapse(time.Minute)
		want(t, "base", b.state(t, "deploy").Refs["refs/pull/7/head"].Run.Pull.BaseSHA, "refs/heads/release of pull/7/head")
		r.ref("refs/pull/7/head", "2")
		elapse(2 * time.Minute)
		run := b.state(t, "deploy").Refs["refs/pull/7/head"].Run
		want(t, "base", run.Pull.BaseSHA+" "+string(run.Outcome), " success")
		want(t, "noticed", b.texts(Noticed), "KITOPS_BASE_SHA is empty: no such branch")
	})
}

// TestCheckOfAMergeQueueIsCompleted when its branch is gone: nobody else would. Enqueued again, the same commit is run and told
// anew; where the branch was away for less than a poll its run goes on.
func TestCheckOfAMergeQueueIsCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g, h := newRemote("main b"), &gauge{}, &listener{}
		r.work = g.during(10 * time.Minute)
		task := reported(r, "deploy", "**")
		task.ReportAs, task.RunNew = "check", true
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		elapse(11 * time.Minute)
		h.since()
		r.push("gh-readonly-queue/main/pr-7", "a")
		elapse(2 * time.Minute)
		r.remove("gh-readonly-queue/main/pr-7")
		elapse(2 * time.Minute)
		want(t, "heard", h.since(), []string{"a pending", "a failure, left the merge queue (its own)"})
		want(t, "refs", len(b.state(t, "deploy").Refs), 1)
		r.push("gh-readonly-queue/main/pr-7", "a")
		elapse(2 * time.Minute)
		r.remove("gh-readonly-queue/main/pr-7")
		r.push("gh-readonly-queue/main/pr-7", "a")
		elapse(15 * time.Minute)
		want(t, "enqueued again", h.since(), []string{"a pending", "a success (its own)"})
		want(t, "runs", len(b.told(Started)), 3)
	})
}
