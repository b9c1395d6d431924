package poller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

func TestPatternRemembersFirstAndRunsWhatAppearsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "release/1 b", "release/old-1 c", "other d")
		b := newBench(t, r.task("deploy", "main", "release/*", "!release/old-*"))
		stop := b.start(t)
		_, runs := r.seen()
		want(t, "runs at the first look", runs, []string{"main a"})
		want(t, "told", b.told(Remembered), []string{"remembered release/1 b"})

		r.push("release/2", "e")
		r.push("release/old-2", "f")
		r.push("release/1", "0")
		elapse(time.Minute)
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main a", "release/1 0", "release/2 e"})
		stop()

		// A pattern that is added later has a first look of its own.
		r.push("hotfix/1", "1")
		r.push("release/3", "2")
		b = b.again(t, r.task("deploy", "main", "release/*", "!release/old-*", "hotfix/*"))
		stop = b.start(t)
		_, runs = r.seen()
		want(t, "runs", runs[3:], []string{"release/3 2"})
		want(t, "told", b.told(Remembered), []string{"remembered hotfix/1 1"})
		stop()
	})
}

func TestOnNewRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("release/1 a", "release/2 b")
		task := r.task("deploy", "**")
		task.RunNew = true
		b := newBench(t, task)
		b.start(t)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"release/1 a", "release/2 b"})
	})
}

func TestPatternOnEmptyRepository(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		b := newBench(t, r.task("deploy", "**"))
		b.start(t)
		want(t, "told", b.told(Skipped), []string{"skipped"})
		r.push("main", "a")
		elapse(time.Minute)
		_, runs := r.seen()
		want(t, "runs of a branch that came later", runs, []string{"main a"})

		r.remove("main")
		elapse(time.Minute)
		want(t, "forgotten because the remote has nothing", b.told(Forgotten), []string{})
	})
}

func TestDeletedBranchIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "side b")
		b := newBench(t, r.task("deploy", "main", "side"))
		b.start(t)
		r.remove("side")
		elapse(time.Minute)
		want(t, "told", b.told(Forgotten), []string{"forgotten side b"})
		if _, there := b.state(t, "deploy").Refs["refs/heads/side"]; there {
			t.Error("a deleted branch is remembered")
		}
		r.push("main", "c")
		elapse(6 * time.Minute)
		r.push("side", "b")
		elapse(6 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "side b", "main c", "side b"})
	})
}

func TestMemoryOfTheFirstKitopsIsTakenOver(t *testing.T) {
	for name, c := range map[string]struct {
		refs []string
		want []string
	}{
		"the one branch": {[]string{"main"}, []string{"main b after a"}},
		"several":        {[]string{"main", "side"}, []string{"main a after ", "side c after ", "main b after a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote("main a", "side c")
				task := r.task("deploy", c.refs...)
				b := newBench(t, task)
				if _, err := b.Store.Put(t.Context(), "deploy", []byte("current_sha: "+sha("a")+"\n"), ""); err != nil {
					t.Fatal(err)
				}
				r.fail(git.ErrEmpty) // which says nothing of the branch
				b.start(t)
				want(t, "first, while there is no branch", b.state(t, "deploy").First, sha("a"))
				r.fail(nil)
				elapse(2 * time.Minute)
				want(t, "first", b.state(t, "deploy").First, "")
				r.push("main", "b")
				elapse(6 * time.Minute)
				b.mu.Lock()
				defer b.mu.Unlock()
				var runs []string
				for _, e := range b.events {
					if e.Kind == Started {
						runs = append(runs, fmt.Sprintf("%s %.1s after %.1s", e.Run.Revision.Name(), e.Run.Revision.SHA, e.Run.Previous))
					}
				}
				want(t, "runs", runs, c.want)
			})
		})
	}
}

func TestForcePushBackRunsAgainAfterAnotherRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Plan = func(_ context.Context, _ string, rev git.Revision) (Plan, error) {
			if rev.SHA == sha("b") {
				return Plan{}, errors.New("broken")
			}
			return Plan{}, nil
		}
		b := newBench(t, task)
		b.start(t)
		r.push("main", "b")
		elapse(time.Minute)
		r.push("main", "a")
		elapse(5 * time.Minute)
		want(t, "finished", b.told(Finished),
			[]string{"finished main a success", "finished main b error", "finished main a success"})
	})
}

func TestLongestUnservedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("x a", "y a", "z a")
		task := r.task("deploy", "x", "y", "z")
		b := newBench(t, task)
		b.start(t)
		r.push("z", "b")
		elapse(time.Minute)
		r.push("x", "c")
		r.push("y", "c")
		r.push("z", "c")
		elapse(time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"x a", "y a", "z a", "z b", "x c", "y c", "z c"})
	})
}

func TestAnotherURLStartsWithAnEmptyMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		stop := b.start(t)
		stop()
		moved := r.task("deploy", "main")
		moved.URL = "https://git.example.com/acme/moved"
		b = b.again(t, moved)
		stop = b.start(t)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main a"})
		want(t, "url", b.state(t, "deploy").URL, moved.URL)
		stop()
	})
}

func TestMissingBranchIsNamedAndOthersRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "mian", "main"))
		err := b.Once(t.Context(), true)
		want(t, "error", err, "deploy: "+url+" has no refs/heads/mian")
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})
	})
}
