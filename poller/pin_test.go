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

// ran are the revisions that ran, each after the one that had succeeded before.
func (b *bench) ran() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ran []string
	for _, e := range b.events {
		if e.Kind == Started {
			ran = append(ran, e.Run.Revision.SHA[:1]+" after "+(e.Run.Previous + "-")[:1])
		}
	}
	return strings.Join(ran, ", ")
}

func TestRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		b := newBench(t, task)
		stop := b.start(t)
		want(t, "with nothing before", b.ordered(t, Order{What: Rollback}), "refused: nothing was applied before: name a revision with --to")
		r.push("main", "b")
		elapse(time.Minute)
		want(t, "answer", b.ordered(t, Order{What: Rollback, Reason: "it burns"}), "rolled back to aaaaaaa by anna: it burns")
		want(t, "ran", b.ran(), "a after -, b after a, a after b")
		elapse(time.Hour)
		want(t, "why", b.why(t), "rolled back to aaaaaaa by anna: it burns")
		want(t, "once more", b.ordered(t, Order{What: Rollback}), "refused: it is rolled back to aaaaaaa by anna: it burns already: name an earlier one with --to")
		b.ordered(t, Order{What: Again})
		want(t, "again runs what it is pinned to", b.ran(), "a after -, b after a, a after b, a after a")
		stop()

		b = b.again(t, task) // after a restart, too
		b.start(t)
		elapse(time.Hour)
		want(t, "ran", b.ran(), "")
		r.push("main", "c")
		elapse(time.Minute)
		want(t, "ran with another head", b.ran(), "c after a")
		want(t, "pinned", b.state(t, "deploy").Refs["refs/heads/main"].Pinned == nil, true)

		r.work = func(context.Context, git.Revision) error { return errors.New("broken") }
		r.push("main", "d")
		elapse(time.Minute)
		r.work = nil
		b.ordered(t, Order{What: Rollback}) // from a head that has failed, to the one that had not
		want(t, "ran", b.ran(), "c after a, d after c, c after c")
		b.ordered(t, Order{What: Unpin})
		want(t, "ran", b.ran(), "c after a, d after c, c after c, d after c")
		want(t, "not pinned", b.ordered(t, Order{What: Unpin}), "refused: main is not pinned")
	})
}

func TestPinStaysUntilUnpinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "side 1")
		task := r.task("deploy", "main", "side")
		b := newBench(t, task)
		b.start(t)
		r.push("main", "b")
		elapse(time.Minute)
		pin := Order{What: Pin, Ref: "refs/heads/main", SHA: "AAAA", Reason: "the sale"}
		want(t, "answer", b.ordered(t, pin), "pinned to aaaaaaa by anna: the sale")
		r.push("main", "c")
		r.push("side", "2")
		elapse(time.Hour)
		r.push("main", "d")
		elapse(time.Hour)
		want(t, "ran", b.ran(), "a after -, 1 after -, b after a, a after b, 2 after 1")
		want(t, "why", b.why(t), "pinned to aaaaaaa by anna: the sale")
		all, err := b.Standings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want(t, "head", all[0].Refs[0].Head, sha("d"))
		want(t, "pinned", all[0].Refs[0].Pinned.SHA, sha("a"))

		b.ordered(t, Order{What: Pause}) // which is stronger
		pin.SHA = sha("e")
		b.ordered(t, pin)
		elapse(time.Hour)
		want(t, "ran while paused", strings.Count(b.ran(), ","), 4)
		b.ordered(t, Order{What: Resume})
		want(t, "ran", b.ran(), "a after -, 1 after -, b after a, a after b, 2 after 1, e after a")
		want(t, "unpin", b.ordered(t, Order{What: Unpin}), "follows its head")
		want(t, "ran", b.ran(), "a after -, 1 after -, b after a, a after b, 2 after 1, e after a, d after e")
	})
}

func TestPinWaitsForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		r.work = func(context.Context, git.Revision) error { time.Sleep(10 * time.Minute); return nil }
		r.push("main", "b")
		elapse(time.Minute)
		b.ordered(t, Order{What: Again, After: true})
		want(t, "answer", b.ordered(t, Order{What: Rollback, SHA: sha("a")}), "rolled back to aaaaaaa by anna; runs when what runs has ended")
		want(t, "the order before it", b.state(t, "deploy").Refs["refs/heads/main"].Order == nil, true)
		elapse(time.Hour)
		want(t, "ran", b.ran(), "a after -, b after a, a after b")
	})
}

func TestPinnedRevisionThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		r.work = func(context.Context, git.Revision) error { return git.ErrMoved }
		b.ordered(t, Order{What: Pin, SHA: sha("0")})
		want(t, "reason", b.run(t).Reason, "the remote does not hand out this revision any more")
		want(t, "why", b.why(t), "pausing until 00:01 after a failed try")
	})
}

func TestAbbreviatedRevisions(t *testing.T) {
	r := RefState{Applied: "aaaa1111", Former: "aaaa2222", Run: &Run{Revision: git.Revision{SHA: "bbbb"}}}
	o := Order{heads: map[string]string{"main": "cccc"}, Known: []string{"dddd1", "aaaa1111"}}
	for short, expected := range map[string]string{
		"aaaa1": "aaaa1111", "AAAA2": "aaaa2222", "bbbb": "bbbb", "cccc": "cccc", "dddd": "dddd1", sha("9"): sha("9"),
		"aaaa": "aaaa may be aaaa1111 or aaaa2222", "aaa": `"aaa" is no revision: write at least 4 digits of its SHA`,
		"main": `"main" is no revision: write at least 4 digits of its SHA`, "eeee": "no revision that has run begins with eeee: write its whole SHA",
	} {
		o.SHA = short
		got, err := r.resolve("main", o)
		if err != nil {
			got = err.Error()
		}
		want(t, short, got, expected)
	}
}

// TestPinBetweenALookAndARun is heeded by the start of the run.
func TestPinBetweenALookAndARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		var b *bench
		task.Identity = func(ctx context.Context, _ string) (string, error) {
			if len(b.told(Started)) == 1 && b.state(t, "deploy").Refs["refs/heads/main"].Pinned == nil {
				_, err := b.Order(ctx, "deploy", Order{What: Pin, By: "anna", SHA: sha("a")})
				return "", err
			}
			return "", nil
		}
		b = newBench(t, task)
		b.start(t)
		r.push("main", "b")
		elapse(time.Hour)
		want(t, "ran", b.ran(), "a after -")
	})
}

// TestPinIsNotEvicted by a push while it waits for its turn, nor by another task file: it stays until somebody unpins.
func TestPinIsNotEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		works(r, 10*time.Minute)
		task := r.task("deploy", "main")
		b := newBench(t, task)
		b.start(t)
		elapse(15 * time.Minute)
		r.push("main", "b")
		elapse(2 * time.Minute)
		b.ordered(t, Order{What: Pin, SHA: sha("a")})
		r.push("main", "c")
		elapse(time.Minute)
		want(t, "pinned", b.state(t, "deploy").Refs["refs/heads/main"].Pinned.SHA, sha("a"))
		elapse(30 * time.Minute)
		task.Timeout, task.Digest = 2*time.Hour, "another"
		b.Set([]Task{task})
		r.push("main", "d")
		elapse(30 * time.Minute)
		want(t, "ran", b.ran(), "a after -, b after a, a after b")
		want(t, "why", strings.Contains(b.why(t), "pinned to aaaaaaa by anna"), true)
		b.ordered(t, Order{What: Unpin})
		elapse(15 * time.Minute)
		want(t, "ran", b.ran(), "a after -, b after a, a after b, d after a")
	})
}
