package metrics

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

const failing = `failing{task="shop"}`

func TestFailingDoesNotFlipDuringARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ran("shop", mainRef, a, poller.Success, time.Second)
	w.want(failing, 0)
	w.ran("shop", mainRef, b, poller.Failure, time.Second)
	w.want(failing, 1)
	start := func(sha string, attempt int) {
		run := poller.Run{Revision: git.Revision{Ref: mainRef, SHA: sha}, Attempt: attempt, Started: time.Now(), Outcome: poller.Pending}
		w.remembers("shop", mainRef, sha, poller.RefState{Applied: a, Run: &run})
		w.m.Observe(poller.Event{Kind: poller.Started, Task: "shop", Run: run})
		w.looked("shop")
	}
	start(b, 2)
	w.want(failing, 1)
	start(c, 1) // nobody knows yet
	w.want(failing, 1)
	w.ran("shop", mainRef, c, poller.Success, time.Second)
	w.want(failing, 0)
	start(a, 1)
	w.want(failing, 0)
	cut := poller.Run{Revision: git.Revision{Ref: mainRef, SHA: a}, Attempt: 1, Outcome: poller.Error, Reason: "interrupted by the end of kitops, will run again"}
	w.remembers("shop", mainRef, a, poller.RefState{Applied: c, Run: &cut})
	w.m.Observe(poller.Event{Kind: poller.Finished, Task: "shop", Run: cut})
	w.want(failing, 0)
}

// What an agent finds in its memory is told at once, also while a run goes on.
func TestFailingIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		run  poller.Run
		want float64
	}{
		{poller.Run{Attempt: 3, Outcome: poller.Failure}, 1},
		{poller.Run{Attempt: 1, Outcome: poller.Success}, 0},
		{poller.Run{Attempt: 2, Outcome: poller.Pending}, 1},
		{poller.Run{Attempt: 1, Outcome: poller.Pending}, 0},
		{poller.Run{Attempt: 2, Outcome: poller.Error, Reason: "interrupted: kitops was killed, will run again"}, 1},
	} {
		w := newWorld(t)
		w.remembers("shop", mainRef, a, poller.RefState{Run: &test.run})
		w.want(failing, test.want)
	}
}

func TestBehindIsSinceTheOldestHead(t *testing.T) {
	t.Parallel()
	const behind = `behind_seconds{task="shop"}`
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ran("shop", mainRef, a, poller.Success, time.Second)
		w.want(behind, 0)
		time.Sleep(time.Hour)
		w.ran("shop", mainRef, b, poller.Failure, time.Second)
		time.Sleep(time.Minute)
		w.want(behind, 60)
		w.ran("shop", mainRef, c, poller.Failure, time.Second)
		time.Sleep(time.Minute)
		w.want(behind, 120)
		w.ran("shop", mainRef, b, poller.Success, time.Second)
		w.want(behind, 0)
		w.ran("shop", "refs/pull/7/head", c, poller.Failure, time.Second) // its author sees it
		time.Sleep(time.Minute)
		w.want(behind, 0)
		w.want(failing, 0)
		w.remembers("shop", "refs/pull/8/head", a, poller.RefState{}) // waits for a slot
		w.looked("shop")
		time.Sleep(time.Minute)
		w.want(behind, 60)
		w.forgets("shop", "refs/pull/8/head")
		w.looked("shop")
		w.want(behind, 0)
	})
}

func TestBehindIsSinceTheLastTryAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		run := poller.Run{Revision: git.Revision{Ref: mainRef, SHA: b}, Attempt: 4, Started: time.Now().Add(-time.Hour), Outcome: poller.Failure}
		w.remembers("shop", mainRef, b, poller.RefState{Applied: a, Run: &run})
		w.want(`behind_seconds{task="shop"}`, 3600)
	})
}

func TestOldSeriesAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ran("shop", mainRef, a, poller.Success, time.Second)
	w.want(`applied_info{task="shop",ref="refs/heads/main",sha="`+a+`"}`, 1)
	w.ran("shop", mainRef, b, poller.Success, time.Second)
	w.want(`applied_info{task="shop",ref="refs/heads/main",sha="`+b+`"}`, 1)
	if n := w.revisions(); n != 1 {
		t.Errorf("%d revisions are applied", n)
	}
	w.forgets("shop", mainRef)
	w.looked("shop")
	w.wantNone("applied_info")
	w.wantNone("last_success_timestamp_seconds")
	w.want(`runs_total{task="shop",outcome="success"}`, 2)
	delete(w.tasks, "shop")
	for _, name := range []string{"runs_total", "polls_total", "failing", "behind_seconds", "poll_age_seconds", "mirror_bytes"} {
		w.wantNone(name)
	}
	w.m.Observe(poller.Event{Kind: poller.Finished, Task: "shop"}) // it ends its run
	w.wantNone("runs_total")
	if n := len(w.m.tasks); n != 0 {
		t.Errorf("%d tasks are remembered", n)
	}
	w.remembers("docs", mainRef, a, poller.RefState{Applied: a}) // by an older kitops
	w.want(`applied_info{task="docs",ref="refs/heads/main",sha="`+a+`"}`, 1)
	w.wantNone("last_success_timestamp_seconds")
}

func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	fill := func(pattern string, n int) {
		refs, heads := map[string]poller.RefState{}, map[string]string{}
		for i := range n {
			ref := fmt.Sprintf(pattern, i)
			refs[ref] = poller.RefState{Applied: fmt.Sprintf("%040x", i), AppliedAt: now.Add(time.Duration(i) * time.Second)}
			heads[ref] = refs[ref].Applied
		}
		w.tasks["shop"] = poller.Snapshot{State: poller.State{Refs: refs}, Heads: heads}
		w.looked("shop")
	}
	fill("refs/heads/release/%d", 10_000)
	if n := w.revisions(); n != maxSeries {
		t.Errorf("%d revisions are told, want %d", n, maxSeries)
	}
	w.want(fmt.Sprintf(`applied_info{task="shop",ref="refs/heads/release/9999",sha="%040x"}`, 9999), 1)
	fill("refs/pull/%d/head", 10_000)
	w.want(fmt.Sprintf(`applied_info{task="shop",ref="(pull requests)",sha="%040x"}`, 9999), 1)
	if n := w.revisions(); n != 1 {
		t.Errorf("%d revisions are told of pull requests", n)
	}
	fill("refs/tags/v%d", 300)
	w.want(fmt.Sprintf(`applied_info{task="shop",ref="(tags)",sha="%040x"}`, 299), 1)
	w.wantNone(`applied_info{task="shop",ref="(pull requests)"`)
	fill("refs/heads/main%d", 1)
	if n := len(w.m.tasks["shop"].refs); n != 1 {
		t.Errorf("%d refs are remembered", n)
	}
	for i := range 1000 {
		w.m.JobEnded(fmt.Sprintf("set %d", i), "succeeded")
		w.m.JobEnded("build", fmt.Sprintf("result %d", i))
	}
	w.sets = []Runners{{Set: "build", Idle: 1, Busy: 2, Wanted: 3, Max: 4, Blocked: true}}
	w.want(`runner_jobs_total{set="build",result="unknown"}`, 1000)
	if n := len(w.m.jobs); n != 1 {
		t.Errorf("%d sets are remembered", n)
	}
}

// TestRunnersAreTold, and nothing where there are none.
func TestRunnersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantNone("runner")
	w.sets = []Runners{{Set: "build", Idle: 1, Busy: 2, Wanted: 3, Max: 4, Blocked: true}, {Set: "other", Max: 1}}
	w.m.JobEnded("build", "failed")
	w.m.JobBegan(2 * time.Second)
	for name, want := range map[string]float64{
		`runners{set="build",state="idle"}`: 1, `runners{set="build",state="busy"}`: 2, `runners_wanted{set="build"}`: 3, `runners_max{set="build"}`: 4,
		`runners_blocked{set="build"}`: 1, `runners_blocked{set="other"}`: 0,
		`runner_jobs_total{set="build",result="failed"}`: 1, `runner_jobs_total{set="other",result="lost"}`: 0,
		"runner_job_wait_seconds count": 1, "runner_job_wait_seconds sum": 2,
	} {
		w.want(name, want)
	}
}

// TestPullRequestsComeAndGo has 10,000 of them pass, ten at a time.
func TestPullRequestsComeAndGo(t *testing.T) {
	w := newWorld(t)
	pass := func(from, n int) {
		for i := from; i < from+n; i++ {
			w.ran("shop", fmt.Sprintf("refs/pull/%d/head", i), fmt.Sprintf("%040x", i), poller.Success, time.Second)
			if i >= 10 {
				w.forgets("shop", fmt.Sprintf("refs/pull/%d/head", i-10))
			}
		}
		w.looked("shop")
	}
	size := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	pass(0, 1000)
	series, before := len(w.scrape()), size()
	pass(1000, 9000)
	if n := len(w.scrape()); n != series {
		t.Errorf("%d series, %d before", n, series)
	}
	if after := size(); after > before+1<<20 {
		t.Errorf("%d bytes are held, %d before", after, before)
	}
}

func TestHostileRefsSpoilNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, ref := range []string{"refs/heads/a\"} 1\nkitops_running 99", "refs/heads/\xff\xfe", `refs/heads/back\slash`, "refs/heads/\u202eevil", "refs/heads/\x1b[31m"} {
		w.ran("shop", ref, fmt.Sprintf("%040x", i), poller.Success, time.Second)
	}
	if n := w.revisions(); n != 5 {
		t.Errorf("%d revisions are told", n)
	}
	w.want("running", 1)
}
