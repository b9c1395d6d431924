package poller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

func TestAPanicEndsTheWorkOfItsTaskOnly(t *testing.T) {
	for name, break_ := range map[string]func(*Task){
		"poll": func(task *Task) {
			task.Heads = func(context.Context, git.Patterns) ([]git.Revision, error) { panic("poll is broken") }
		},
		"fetch": func(task *Task) {
			task.Checkout = func(context.Context, git.Revision, string) error { panic("fetch is broken") }
		},
		"plan": func(task *Task) {
			task.Plan = func(context.Context, string, git.Revision) (Plan, error) { panic("plan is broken") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, good := newRemote("main a"), newRemote("main a")
				bad := r.task("bad", "main")
				break_(&bad)
				b := newBench(t, bad, good.task("good", "main"))
				b.Parallel = 1
				b.start(t)
				good.push("main", "b")
				elapse(2 * time.Minute)
				_, runs := good.seen()
				want(t, "runs of another task", runs, []string{"main a", "main b"})
				told := strings.Join(b.told(Troubled), "\n")
				for _, word := range []string{name + " is broken", "a bug in kitops", "way_test.go"} {
					if !strings.Contains(told, word) {
						t.Errorf("%q is not said of it: %s", word, told)
					}
				}
				if name != "poll" {
					want(t, "outcome", b.state(t, "bad").Refs["refs/heads/main"].Run.Outcome, Error)
				}
				if err := b.again(t, bad).Once(t.Context(), true); name == "poll" && (err == nil || !strings.Contains(err.Error(), "bug")) {
					t.Errorf("--poll-once says %v", err)
				}
			})
		})
	}
}

func TestAPanicOfAReporterIsAFailedReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.ReportTo = "kitops/deploy"
		b := newBench(t, task)
		var arrived []string
		broken := true
		b.Report = func(_ context.Context, report Report) error {
			if broken {
				broken = false
				panic("the reporter is broken")
			}
			arrived = append(arrived, string(report.Run.Outcome))
			return nil
		}
		b.start(t)
		elapse(time.Minute)
		want(t, "reports", arrived[len(arrived)-1:], []string{"success"})
		told := strings.Join(b.told(Unreported), "\n")
		if !strings.Contains(told, "a bug in kitops") || !strings.Contains(told, "the reporter is broken") {
			t.Errorf("not said: %s", told)
		}
	})
}

func TestAPanicOfAnObserverIsHeardByTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		b.Observers = append([]Observer{func(e Event) { panic("the observer is broken") }}, b.Observers...)
		b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
		want(t, "finished", b.told(Finished), []string{"finished main a success", "finished main b success"})
		if told := strings.Join(b.told(Troubled), "\n"); !strings.Contains(told, "the observer is broken") {
			t.Errorf("not said: %s", told)
		}
	})
}

func TestTasksThatChangeDuringPollOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		r := newRemote("main a")
		tasks := []Task{r.task("one", "main"), r.task("two", "main"), r.task("three", "main")}
		for i := range tasks {
			heads := tasks[i].Heads
			tasks[i].Heads = func(ctx context.Context, refs git.Patterns) ([]git.Revision, error) {
				b.Set(tasks[:i]) // as a SIGHUP does
				return heads(ctx, refs)
			}
		}
		b = newBench(t, tasks...)
		want(t, "error", b.Once(t.Context(), true), nil)
		_, runs := r.seen()
		want(t, "runs", len(runs), len(tasks))
	})
}

func TestAPlanDoesNotOutlastItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Timeout = time.Minute
		forever := make(chan struct{})
		defer close(forever)
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) { <-forever; return Plan{}, nil }
		b := newBench(t, task)
		stop := b.start(t)
		elapse(90 * time.Second)
		want(t, "finished", b.told(Finished), []string{"finished main a error"})
		want(t, "why", b.state(t, "deploy").Refs["refs/heads/main"].Run.Reason, "out of time after 1m0s")
		stop()
	})
}

func TestAMistakeInTheRevisionIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Plan = func(_ context.Context, _ string, rev git.Revision) (Plan, error) {
			if rev.SHA == sha("a") {
				return Plan{}, fmt.Errorf("plan: %w", &MistakeError{errors.New(".kitops.yaml:3: unknown key")})
			}
			return Plan{}, nil
		}
		b := newBench(t, task)
		stop := b.start(t)
		elapse(5 * time.Hour)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})
		stop()
		b = b.again(t, task)
		stop = b.start(t)
		elapse(time.Hour)
		_, runs = r.seen()
		want(t, "runs after a restart", runs, []string{"main a"})
		want(t, "told", b.told(Skipped), []string{"skipped main a"})

		changed := task
		changed.Digest = "allows more"
		b.Set([]Task{changed})
		synctest.Wait()
		_, runs = r.seen()
		want(t, "runs of the task when it is changed", runs, []string{"main a", "main a"})
		r.push("main", "b")
		elapse(time.Minute)
		_, runs = r.seen()
		want(t, "runs of the next head", runs, []string{"main a", "main a", "main b"})
		stop()
	})
}
