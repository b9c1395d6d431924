package poller

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// comparedBy has a task compare its revisions by what each has at some paths: "api1 web2".
func comparedBy(task Task, trees map[string]string) Task {
	task.Paths = git.PathPatterns{"api"}
	task.Changes = func(_ context.Context, rev git.Revision, since string) (git.Changed, error) {
		var all git.Changed
		after := strings.Fields(trees[rev.SHA[:1]])
		for i, before := range strings.Fields(trees[since[:1]]) {
			if before != after[i] {
				all = append(all, git.ChangedPath{Name: before[:3]})
			}
		}
		return all, nil
	}
	return task
}

// TestPushesElsewhereAreNoNewTries: what an action has failed is tried at its own pace, whatever is pushed beside the paths; what
// changes something below them, pushes the same tree again or is ordered is tried at once.
func TestPushesElsewhereAreNoNewTries(t *testing.T) {
	for name, after := range map[string]struct {
		head  string
		acted bool
	}{
		"elsewhere": {"d", false}, "below": {"e", true}, "taken back": {"f", true}, "the same tree": {"g", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote("main a")
				b := newBench(t, comparedBy(failsAt(r, "bcdg", "main"), map[string]string{
					"a": "api1 web1", "b": "api2 web1", "c": "api2 web2", "d": "api2 web3", "e": "api3 web2", "f": "api1 web2", "g": "api2 web2",
				}))
				b.start(t)
				r.push("main", "b")
				elapse(10 * time.Minute)
				before := b.state(t, "deploy").Refs["refs/heads/main"]
				tries := len(b.told(ActionStarted))
				r.push("main", "c")
				elapse(61 * time.Second)
				want(t, "acted", len(b.told(ActionStarted)), tries)
				now := b.state(t, "deploy").Refs["refs/heads/main"]
				want(t, "revision", now.Run.Revision.SHA, sha("c"))
				want(t, "outcome, tries, next try", []any{now.Run.Outcome, now.Run.Attempt, now.Run.Failures, now.Retry}, []any{Failure, before.Run.Attempt, before.Run.Failures, before.Retry})
				if reason := now.Run.Reason; !strings.HasPrefix(reason, "action act: exit status 3 at bbbbbbb,") {
					t.Error(reason)
				}
				if name == "the same tree" { // as that of the last try, which is at c then
					elapse(time.Until(before.Retry) + time.Minute)
					want(t, "last try", b.run(t).Attempt, before.Run.Attempt+1)
					tries = len(b.told(ActionStarted))
				}
				r.push("main", after.head)
				elapse(61 * time.Second)
				want(t, "acted", len(b.told(ActionStarted)) > tries, after.acted)
				if name != "elsewhere" {
					return
				}
				want(t, "next try", b.state(t, "deploy").Refs["refs/heads/main"].Retry, before.Retry)
				elapse(time.Until(before.Retry) + time.Minute)
				want(t, "acted", b.told(ActionStarted)[tries:], []string{"action started main d"})
				last := b.state(t, "deploy").Refs["refs/heads/main"]
				want(t, "tries", []any{last.Run.Attempt, last.Run.Failures, last.Tried == nil}, []any{before.Run.Attempt + 1, before.Run.Failures + 1, true})
				b.ordered(t, Order{What: Again})
				elapse(time.Second)
				want(t, "acted", len(b.told(ActionStarted)), tries+2)
			})
		})
	}
}

// TestPushesElsewhereAreNotTriedOnceGivenUp: nor is anybody told of them, until something below the paths has changed.
func TestPushesElsewhereAreNotTriedOnceGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &targets{heard: map[string][]string{}}
		task := comparedBy(failsAt(r, "bcd", "main"), map[string]string{"a": "api1 web1", "b": "api2 web1", "c": "api2 web2", "d": "api2 web3", "e": "api3 web3"})
		task.Rules.Retry = &Retry{Times: 1}
		task.Notices = []Notice{{To: NoticeTo("x"), On: []Change{Failed, Erred, GaveUp, Recovered}}}
		b := newBench(t, task)
		b.Report = w.report
		b.start(t)
		r.push("main", "b")
		elapse(10 * time.Minute)
		tries := len(b.told(ActionStarted))
		for _, head := range []string{"c", "d"} {
			r.push("main", head)
			elapse(30 * time.Minute)
			want(t, "acted", len(b.told(ActionStarted)), tries)
			want(t, "revision, gave up", []any{b.run(t).Revision.SHA, b.run(t).GaveUp, b.run(t).Failures}, []any{sha(head), true, 2})
		}
		r.push("main", "e")
		elapse(2 * time.Minute)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("e"))
		w.mu.Lock()
		defer w.mu.Unlock()
		want(t, "told", w.heard[NoticeTo("x")], []string{"failure main b since b", "gave_up main b since b", "recovery main e since b"})
	})
}

// TestWhatATryIsRepeatedBy goes through what a ref's memory says of the last try.
func TestWhatATryIsRepeatedBy(t *testing.T) {
	t.Parallel()
	task := Task{Paths: git.PathPatterns{"api"}, Actions: "x"}
	same := digestOf(task.Paths)
	ran := func(sha string, o Outcome, action string) *Run {
		return &Run{Revision: git.Revision{Ref: "refs/heads/main", SHA: sha}, Outcome: o, Action: action, Actions: "x", Paths: same}
	}
	at1 := &tried{Run: *ran("1", Failure, "make")}
	for what, of := range map[string]struct {
		r    RefState
		want string // the SHA of that
	}{
		"failed":                       {RefState{Run: ran("1", Failure, "make")}, "1"},
		"itself":                       {RefState{Run: ran("3", Failure, "make")}, ""},
		"not run since":                {RefState{Run: ran("2", Failure, ""), Tried: at1}, "1"},
		"itself, not run since":        {RefState{Run: ran("3", Failure, ""), Tried: at1}, "1"},
		"an error since":               {RefState{Run: ran("2", Error, ""), Tried: at1}, "1"},
		"cut off since":                {RefState{Run: ran("2", Error, "make"), Tried: at1}, ""},
		"ordered":                      {RefState{Run: ran("1", Failure, "make"), Order: &waiting{}}, ""},
		"pinned":                       {RefState{Run: ran("1", Failure, "make"), Pinned: &Hold{}}, ""},
		"succeeded":                    {RefState{Run: ran("2", Success, ""), Tried: at1}, ""},
		"nothing ran":                  {RefState{}, ""},
		"cancelled":                    {RefState{Run: &Run{Outcome: Failure, Action: "make", Actions: "x", Paths: same, Mistake: "x", Cancelled: "anna"}}, ""},
		"superseded":                   {RefState{Run: &Run{Outcome: Failure, Action: "make", Actions: "x", Paths: same, Superseded: "2"}}, ""},
		"other actions":                {RefState{Run: &Run{Outcome: Failure, Action: "make", Actions: "y", Paths: same}}, ""},
		"other paths, or none":         {RefState{Run: &Run{Outcome: Failure, Action: "make", Actions: "x"}}, ""},
		"failed after one that failed": {RefState{Run: ran("2", Failure, "make"), Tried: at1}, "2"},
	} {
		got := ""
		if last := task.triedBefore(of.r, git.Revision{Ref: "refs/heads/main", SHA: "3"}); last != nil {
			got = last.Run.Revision.SHA
		}
		if got != of.want {
			t.Errorf("%s: %q, want %q", what, got, of.want)
		}
	}
}
