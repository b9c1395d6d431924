package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestWhatRunsWhateverHasChanged goes through what a ref's memory says of paths.
func TestWhatRunsWhateverHasChanged(t *testing.T) {
	t.Parallel()
	rev := git.Revision{Ref: "refs/heads/main", SHA: "2"}
	task := Task{Refs: git.Patterns{"refs/heads/main"}, Paths: git.PathPatterns{"api/**"}}
	same := digestOf(task.Paths)
	ran := func(o Outcome, action string) *Run { return &Run{Revision: rev, Outcome: o, Action: action} }
	for what, of := range map[string]struct {
		r             RefState
		anyway, known bool // it runs whatever has changed; what has changed is asked
		due           bool // at the head that it has run
	}{
		"nothing was applied":             {r: RefState{}, known: true, due: true},
		"applied":                         {r: RefState{Applied: "2", Paths: same, Run: ran(Success, "")}, known: true},
		"applied without a run":           {r: RefState{Applied: "2", Paths: same, Unrun: true, Run: ran(Success, "")}, known: true},
		"applied by other paths":          {r: RefState{Applied: "2", Paths: "other", Run: ran(Success, "")}, anyway: true},
		"by other paths, without a run":   {r: RefState{Applied: "2", Paths: "other", Unrun: true, Run: ran(Success, "")}, anyway: true, due: true},
		"an action failed":                {r: RefState{Applied: "1", Paths: same, Run: ran(Failure, "make")}, anyway: true, known: true, due: true},
		"nothing was done":                {r: RefState{Applied: "1", Paths: same, Run: ran(Error, "")}, known: true, due: true},
		"ordered":                         {r: RefState{Applied: "2", Paths: same, Run: ran(Success, ""), Order: &waiting{}}, anyway: true, due: true},
		"an older kitops applied without": {r: RefState{Applied: "2", Run: ran(Success, "")}, anyway: true},
	} {
		s := task.scopeOf(of.r)
		if s.anyway != of.anyway || s.asked == of.known {
			t.Errorf("%s: %+v", what, s)
		}
		if of.r.Run == nil {
			continue
		}
		v := decide(task, State{Refs: map[string]RefState{rev.Ref: of.r}, Patterns: task.Refs}, []git.Revision{rev}, time.Now())
		if due := len(v.todo) > 0; due != of.due {
			t.Errorf("%s: due %v", what, due)
		}
	}
}

// TestTriesThatComeToNothing change nothing in what has to run: neither what a failed action has left is forgotten, nor an order.
func TestTriesThatComeToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := failsAt(r, "b", "main")
		task.Paths = git.PathPatterns{"api/**"}
		task.Changes = func(_ context.Context, rev git.Revision, _ string) (git.Changed, error) {
			if rev.SHA == sha("b") {
				return git.Changed{{Name: "api/x"}}, nil
			}
			return nil, nil // c is b taken back
		}
		b := newBench(t, task)
		b.start(t)
		r.push("main", "b")
		elapse(61 * time.Second)
		want(t, "acted", b.told(ActionStarted), []string{"action started main a", "action started main b"})
		outage := func(begin func()) {
			r.mu.Lock()
			r.work = func(context.Context, git.Revision) error { return errors.New("out of order") }
			r.mu.Unlock()
			begin()
			elapse(61 * time.Second)
			want(t, "last run", b.run(t).Outcome, Error)
			r.mu.Lock()
			r.work = nil
			r.mu.Unlock()
			elapse(10 * time.Minute)
		}
		outage(func() { r.push("main", "c") })
		want(t, "acted", len(b.told(ActionStarted)), 3)
		outage(func() { b.ordered(t, Order{What: Again}) })
		want(t, "acted", len(b.told(ActionStarted)), 4)
		r.push("main", "d")
		elapse(10 * time.Minute)
		want(t, "acted", len(b.told(ActionStarted)), 4)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("d"))
	})
}
