package poller

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// stopped cancels what runs, and returns the answer.
func (b *bench) stopped(t *testing.T, run string) string {
	t.Helper()
	why, err := b.Cancel(t.Context(), run, "anna")
	var refused *RefusedError
	if errors.As(err, &refused) {
		why = "refused: " + err.Error()
	} else if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return why
}

func (b *bench) run(t *testing.T) *Run {
	t.Helper()
	return b.state(t, "deploy").Refs["refs/heads/main"].Run
}

func TestCancelledRunIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		quick := false
		r.work = func(ctx context.Context, _ git.Revision) error {
			if quick {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		task := r.task("deploy", "main")
		b := newBench(t, task)
		stop := b.start(t)
		first := b.run(t).ID
		want(t, "answer", b.stopped(t, first), "cancelled by anna; kitops again deploy")
		want(t, "finished", b.told(Finished), []string{"finished main a failure"})
		want(t, "reason", b.run(t).Reason, "cancelled by anna")
		elapse(24 * time.Hour)
		want(t, "answer the second time", b.stopped(t, first), "cancelled by anna; kitops again deploy")
		want(t, "why", b.why(t), "cancelled by anna; kitops again deploy")
		want(t, "started", b.told(Started), []string{"started main a"})
		want(t, "a run that nobody knows", b.stopped(t, "nosuch"), `refused: no run "nosuch" goes on`)
		stop()

		b = b.again(t, task)
		stop = b.start(t)
		elapse(time.Hour)
		want(t, "started after a restart", b.told(Started), []string{})
		quick = true
		b.ordered(t, Order{What: Again})
		want(t, "again", b.told(Finished), []string{"finished main a success"})
		want(t, "a run that has ended", b.stopped(t, b.run(t).ID), "refused: run "+b.run(t).ID+" has ended: success")
		quick = false
		r.push("main", "b")
		elapse(time.Minute)
		b.stopped(t, b.run(t).ID)
		changed := task
		changed.Digest = "changed"
		b.Set([]Task{changed})
		synctest.Wait()
		want(t, "started when the task has changed", b.told(Started), []string{"started main a", "started main b", "started main b"})
		quick = true
		r.push("main", "c")
		b.stopped(t, b.run(t).ID)
		elapse(time.Minute)
		want(t, "finished with a new head", b.told(Finished)[3:], []string{"finished main c success"})
		stop()
	})
}

// TestCancelledRunThatIsCutOff is cancelled, too, by the next agent.
func TestCancelledRunThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		m := newMemory(b.Store, "deploy")
		err := m.Save(t.Context(), func(State) State {
			return State{URL: url}.with("refs/heads/main", func(r *RefState) {
				r.Run = &Run{ID: "r", Revision: git.Revision{Ref: "refs/heads/main", SHA: sha("a")}, Outcome: Pending, Attempt: 1}
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		why, err := OrderOf(t.Context(), b.Store, "deploy", Order{What: Cancel, Run: "r", By: "anna"})
		want(t, "answer", why, "cancelled by anna; kitops again deploy")
		if err != nil {
			t.Fatal(err)
		}
		b.start(t)
		elapse(time.Hour)
		want(t, "outcome", b.run(t).Outcome, Failure)
		want(t, "started", b.told(Started), []string{})
	})
}

// TestWhatRunsAfterACancelledRun tidies up, and a second cancel ends that. It does not change who has cancelled the run.
func TestWhatRunsAfterACancelledRun(t *testing.T) {
	r, heard := newRemote("main a"), filepath.Join(t.TempDir(), "heard")
	sh := func(name, line string) actions.Action {
		return actions.Action{Name: name, Entrypoint: "/bin/sh", Args: []string{"-c", line}}
	}
	task := r.task("deploy", "main")
	task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
		return Plan{
			Actions:   []actions.Action{sh("work", "echo begun; exec sleep 600")},
			OnFailure: []actions.Action{sh("tell", `echo "$KITOPS_OUTCOME, $KITOPS_FAILED_ACTION, $KITOPS_EXIT_CODE, $KITOPS_REASON" >`+heard)},
			Always:    []actions.Action{sh("unlock", "echo begun; exec sleep 600"), sh("never", "exit 0")},
		}, nil
	}
	b := newBench(t, task)
	b.Environ = os.Environ()
	events := make(chan Event, 100)
	b.Observers = append(b.Observers, func(e Event) { events <- e })
	next := func(kind Kind) Event {
		for {
			if e := <-events; e.Kind == kind {
				return e
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	for _, step := range []struct{ action, by string }{{"work", "anna"}, {"unlock", "bob"}} {
		run := next(Output).Run
		want(t, "at work", run.Action, step.action)
		if why, err := b.Cancel(t.Context(), run.ID, step.by); err != nil || why != "cancelled by anna; kitops again deploy" {
			t.Error(why, err)
		}
	}
	want(t, "trouble", next(Troubled).Err, "always: action unlock: stopped: cancelled by bob")
	run := next(Finished).Run
	want(t, "reason", run.Reason, "cancelled by anna")
	want(t, "action", run.Action, "work")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(heard)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "heard", strings.TrimSpace(string(text)), "failure, work, , cancelled by anna")
	want(t, "started in all", len(b.told(ActionStarted)), 3)
}
