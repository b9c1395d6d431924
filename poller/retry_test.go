package poller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// script is a task whose one action is a line of shell, given for each revision.
func script(r *remote, name string, line func(rev git.Revision) string, refs ...string) Task {
	task := r.task(name, refs...)
	task.Plan = func(_ context.Context, _ string, rev git.Revision) (Plan, error) {
		return Plan{Actions: []actions.Action{{Name: "act", Entrypoint: "/bin/sh", Args: []string{"-c", line(rev)}}}}, nil
	}
	return task
}

// failsAt is a task whose runs fail as those of an action do, at these revisions.
func failsAt(r *remote, bad string, refs ...string) Task {
	return script(r, "deploy", func(rev git.Revision) string {
		if strings.Contains(bad, rev.SHA[:1]) {
			return "exit 3"
		}
		return "exit 0"
	}, refs...)
}

// texts are the reasons of the events of these kinds.
func (b *bench) texts(kinds ...Kind) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.events {
		for _, kind := range kinds {
			if e.Kind == kind {
				all = append(all, e.Reason)
			}
		}
	}
	return strings.Join(all, "\n")
}

func TestRetryIsLimitedAndPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := failsAt(r, "a", "main")
		task.Rules.Retry = &Retry{Times: 2, Pause: 10 * time.Second}
		b := newBench(t, task)
		stop := b.start(t)
		elapse(5 * time.Second)
		want(t, "finished", len(b.told(Finished)), 1)
		elapse(6 * time.Second)
		want(t, "finished", len(b.told(Finished)), 2)
		elapse(time.Hour)
		want(t, "finished", len(b.told(Finished)), 3)
		want(t, "why", b.why(t), "gave up after 3 tries; kitops again deploy")
		want(t, "told once", strings.Count(b.texts(Skipped), "gave up after 3 tries; kitops again deploy"), 1)
		stop()
		b = b.again(t, task)
		b.start(t)
		elapse(time.Hour)
		want(t, "after a restart", len(b.told(Finished)), 0)
		want(t, "told", b.texts(Skipped), "gave up after 3 tries; kitops again deploy")
		b.ordered(t, Order{What: Again})
		elapse(time.Hour)
		want(t, "finished", len(b.told(Finished)), 3)
		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "why", b.why(t)[:7], "applied")
		want(t, "given up", b.state(t, "deploy").Refs["refs/heads/main"].Run.GaveUp, false)
	})
}

// TestErrorsAreAlwaysTriedAgain whatever retry says: they say nothing of the revision.
func TestErrorsAreAlwaysTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Rules.Retry = &Retry{}
		var mended atomic.Bool
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			if !mended.Load() {
				return Plan{}, errors.New("broken")
			}
			return Plan{}, nil
		}
		b := newBench(t, task)
		b.start(t)
		elapse(10 * time.Minute)
		if n := len(b.told(Finished)); n < 3 {
			t.Errorf("%d tries", n)
		}
		mended.Store(true)
		elapse(10 * time.Minute)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("a"))
	})
}

func TestGaveUpRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := failsAt(r, "bd", "main")
		task.Rules = Rules{Retry: &Retry{Times: 1, Pause: 10 * time.Second}, RollBack: true}
		b := newBench(t, task)
		b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "finished", b.told(Finished), []string{"finished main a success", "finished main b failure", "finished main b failure", "finished main a success"})
		want(t, "why", b.why(t), "rolled back to aaaaaaa by on_failure: gave up after 2 tries")
		want(t, "ordered", b.texts(Ordered), "rolled back to aaaaaaa by on_failure: gave up after 2 tries")
		elapse(time.Hour)
		want(t, "finished", len(b.told(Finished)), 4)
		r.push("main", "c")
		elapse(2 * time.Minute)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("c"))
	})
}

// TestWhoGaveUpNotifies instead of a failure, and also whoever waits for more failures than there are.
func TestWhoGaveUpNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := failsAt(r, "a", "main")
		task.Rules.Retry = &Retry{Times: 1, Pause: 10 * time.Second}
		task.ReportTo = "ctx"
		usual := []Change{Failed, Erred, Recovered, GaveUp}
		task.Notices = []Notice{{To: "notify:1", On: usual}, {To: "notify:2", On: usual, After: 5}, {To: "notify:3", On: []Change{Failed}}}
		b := newBench(t, task)
		heard := make(chan string, 20)
		b.Report = func(_ context.Context, r Report) error {
			heard <- fmt.Sprint(r.To, " ", r.Change, " ", r.Run.Outcome, " ", r.Run.GaveUp)
			return nil
		}
		stop := b.start(t)
		elapse(time.Hour)
		stop()
		close(heard)
		var all []string
		for h := range heard {
			if !strings.Contains(h, "pending") {
				all = append(all, h)
			}
		}
		want(t, "heard", sorted(all), []string{
			"ctx  failure false", "ctx  failure true", "notify:1 failure failure false", "notify:1 gave_up failure true",
			"notify:2 gave_up failure true", "notify:3 failure failure false",
		})
	})
}

// TestRetriesComeLast after orders and new heads.
func TestRetriesComeLast(t *testing.T) {
	now := time.Now()
	failed := &Run{Revision: git.Revision{Ref: "refs/heads/a", SHA: "1"}, Outcome: Failure, Started: now.Add(-time.Hour), Finished: now.Add(-time.Hour)}
	applied := &Run{Revision: git.Revision{Ref: "refs/heads/b", SHA: "1"}, Outcome: Success, Started: now.Add(-time.Minute), Finished: now.Add(-time.Minute)}
	s := State{URL: url, Refs: map[string]RefState{
		"refs/heads/a": {Run: failed},
		"refs/heads/b": {Run: applied, Applied: "1"},
		"refs/heads/c": {Run: applied, Applied: "1", Order: &waiting{What: Again}},
	}}
	task := Task{URL: url, Refs: git.Patterns{"refs/heads/**"}}
	v := decide(task, s, []git.Revision{{Ref: "refs/heads/a", SHA: "1"}, {Ref: "refs/heads/b", SHA: "2"}, {Ref: "refs/heads/c", SHA: "1"}}, now)
	var order string
	for _, rev := range v.todo {
		order += rev.Name()
	}
	want(t, "order", order, "cba")
}

// slowStore takes its time to save.
type slowStore struct{ store.Store }

func (s slowStore) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	time.Sleep(time.Second)
	return s.Store.Put(ctx, key, data, version)
}

// TestRetryThatIsDueAtOnce is not put off to the next poll where saving the failure took longer than the pause.
func TestRetryThatIsDueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := failsAt(r, "a", "main")
		task.Interval, task.Rules.Retry = time.Hour, &Retry{Times: 2, Pause: time.Millisecond}
		b := newBench(t, task)
		b.Store = slowStore{b.Store}
		b.start(t)
		elapse(time.Minute)
		want(t, "finished", len(b.told(Finished)), 3)
	})
}

// TestOrderDuringTheLastTry is carried out before anything is rolled back.
func TestOrderDuringTheLastTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := failsAt(r, "b", "main")
		task.Rules = Rules{Retry: &Retry{}, RollBack: true}
		b := newBench(t, task)
		b.start(t)
		r.work = func(context.Context, git.Revision) error { time.Sleep(10 * time.Minute); return nil }
		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "answer", b.ordered(t, Order{What: Again, After: true}), "runs again when what runs has ended")
		elapse(time.Hour)
		want(t, "ran", b.ran(), "a after -, b after a, b after a, a after a")
	})
}
