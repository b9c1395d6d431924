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

// ordered has a task of the bench do something, and returns what it answers.
func (b *bench) ordered(t *testing.T, o Order) string {
	t.Helper()
	o.By = "anna"
	why, err := b.Order(t.Context(), "deploy", o)
	var refused *RefusedError
	if errors.As(err, &refused) {
		why = "refused: " + err.Error()
	} else if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return why
}

// why tells why nothing runs, of the task and of its first ref.
func (b *bench) why(t *testing.T) string {
	t.Helper()
	all, err := b.Standings(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Refs) == 0 {
		t.Fatal(all, err)
	}
	return strings.Trim(all[0].Why+"; "+all[0].Refs[0].Why, "; ")
}

func TestPausedTaskRunsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Interval = 10 * time.Minute
		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		b := newBench(t, task)
		stop := b.start(t)
		until := time.Now().Add(time.Hour)
		want(t, "answer", b.ordered(t, Order{What: Pause, Reason: "the sale", Until: until}), "paused by anna until "+near(until, time.Now())+": the sale")
		close(release) // what runs goes on
		synctest.Wait()
		want(t, "finished", b.told(Finished), []string{"finished main a success"})
		r.push("main", "b")
		elapse(20 * time.Minute)
		want(t, "why", b.why(t), "paused by anna until 01:00: the sale; paused by anna until 01:00: the sale")
		want(t, "said once", b.told(Skipped), []string{"skipped main b"})
		stop()

		b = b.again(t, task) // after a restart, too
		b.start(t)
		elapse(20 * time.Minute)
		_, runs := r.seen()
		want(t, "runs while it is paused", runs, []string{"main a"})
		elapse(time.Until(until) + time.Second)
		_, runs = r.seen()
		want(t, "runs when that is over, and not an interval later", runs, []string{"main a", "main b"})
		want(t, "forgotten", b.state(t, "deploy").Paused == nil, true)

		want(t, "resume", b.ordered(t, Order{What: Resume}), "refused: it is not paused")
		b.ordered(t, Order{What: Pause})
		b.ordered(t, Order{What: Pause, Reason: "another"})
		r.push("main", "c")
		elapse(20 * time.Minute)
		want(t, "resume", b.ordered(t, Order{What: Resume}), "goes on")
		_, runs = r.seen()
		want(t, "runs at once", runs, []string{"main a", "main b", "main c"})
		var told []string
		for _, e := range b.events {
			if e.Kind == Ordered {
				told = append(told, e.Reason)
			}
		}
		want(t, "told", strings.Join(told, "\n"), "paused by anna\npaused by anna: another, which replaces: paused by anna\nresumed by anna, which ends: paused by anna: another")
	})
}

func TestPauseIsKeptWithAnotherAddress(t *testing.T) {
	s := State{URL: "u", Paused: &Hold{By: "anna"}, Refs: map[string]RefState{"refs/heads/main": {Applied: "a"}}}
	task := Task{Name: "shop", URL: "v", Refs: git.Patterns{"refs/heads/main"}}
	v := decide(task, s, []git.Revision{{Ref: "refs/heads/main", SHA: "b"}}, time.Now())
	want(t, "to run", len(v.todo), 0)
	want(t, "held", len(v.held), 1)
}

func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "side b")
		fails := false
		r.work = func(context.Context, git.Revision) error {
			if fails {
				return errors.New("broken")
			}
			time.Sleep(time.Second)
			return nil
		}
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		want(t, "while it runs", b.ordered(t, Order{What: Again}), "refused: main runs already: --after runs it again when that has ended")
		want(t, "after", b.ordered(t, Order{What: Again, After: true}), "runs again when what runs has ended")
		elapse(time.Second)
		want(t, "started", b.told(Started), []string{"started main a", "started main a"})
		elapse(time.Minute)
		fails = true
		want(t, "applied", b.ordered(t, Order{What: Again}), "runs again with the next poll")
		elapse(time.Second)
		want(t, "why", b.why(t), "pausing until 00:02 after a failed try")
		b.ordered(t, Order{What: Again})
		want(t, "pausing", b.state(t, "deploy").Refs["refs/heads/main"].Run.Attempt, 1)
		want(t, "started", len(b.told(Started)), 4)

		b.ordered(t, Order{What: Pause})
		elapse(time.Hour)
		want(t, "paused", b.ordered(t, Order{What: Again}), "refused: it is paused by anna: --anyway runs once all the same")
		fails = false
		b.ordered(t, Order{What: Again, Anyway: true})
		elapse(time.Hour)
		want(t, "started", len(b.told(Started)), 5)
		want(t, "why", b.why(t), "paused by anna; applied 59 min ago")
		want(t, "another ref", b.ordered(t, Order{What: Again, Anyway: true, Ref: "refs/heads/side"}), "refused: no side; there are: main")
	})
}

func TestOrdersOfSeveralBranchesNameOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "side b", "release/1 c")
		b := newBench(t, r.task("deploy", "main", "side", "release/*"))
		b.start(t)
		want(t, "answer", b.ordered(t, Order{What: Again}), "refused: it has several branches: name one with --ref: main, side")
		want(t, "one that is only remembered", b.ordered(t, Order{What: Again, Ref: "refs/heads/release/1"}), "runs again with the next poll")
		_, runs := r.seen()
		want(t, "runs", runs[2:], []string{"release/1 c"})
	})
}

// TestOrdersBetweenALookAndARun are heeded by the start of the run.
func TestOrdersBetweenALookAndARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		var b *bench
		task.Identity = func(ctx context.Context, _ string) (string, error) {
			_, err := b.Order(ctx, "deploy", Order{What: Pause, By: "anna"})
			return "", err
		}
		b = newBench(t, task)
		b.start(t)
		_, runs := r.seen()
		want(t, "runs", runs, []string{})
	})
}

func TestOrdersWithoutAnAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		b := newBench(t, task)
		b.start(t)()
		var refused *RefusedError
		if _, err := OrderOf(t.Context(), b.Store, "other", Order{What: Pause}); !errors.As(err, &refused) || !refused.Unknown {
			t.Errorf("%v", err)
		}
		why, err := OrderOf(t.Context(), b.Store, "deploy", Order{What: Again, By: "anna"})
		want(t, "answer", why, "runs again when kitops is back")
		if err != nil {
			t.Fatal(err)
		}
		b = b.again(t, task)
		b.start(t)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main a"})
	})
}
