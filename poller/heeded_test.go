package poller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// wall is what people have said of pull requests, which whoever asks reads from its beginning.
type wall struct {
	mu   sync.Mutex
	said []Word
}

func (w *wall) say(what, sha string, by Person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, Word{What: what, Revision: git.Revision{Ref: fork, SHA: sha}, By: by, At: time.Now()})
}

func (w *wall) read(_ context.Context, about []Talk) (fresh []Word, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, word := range w.said {
		if slices.ContainsFunc(about, func(t Talk) bool {
			return t.Revision == word.Revision && (word.By.Comment > t.Comment || word.By.Review > t.Review)
		}) {
			fresh = append(fresh, word)
		}
	}
	return fresh, nil
}

// TestAnApprovalEndsWithItsPullRequest: of one that was closed and is open again at the same head somebody has to approve
// anew, also after a restart.
func TestAnApprovalEndsWithItsPullRequest(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, by := range []func(int64) Person{
			func(n int64) Person { return Person{ID: 1, Login: "anna", Comment: n} },
			func(n int64) Person { return Person{ID: 1, Login: "anna", Review: n} },
		} {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote("main a")
				r.ref(fork, "1")
				task, theirs := forked(r, approving)
				words := &wall{}
				task.Said = words.read
				b := newBench(t, task)
				stop := b.start(t)
				words.say(Approve, sha("1"), by(5))
				elapse(2 * time.Minute)
				r.ref(fork, "")
				elapse(2 * time.Minute)
				_, known := b.state(t, "deploy").Refs[fork]
				want(t, "remembered", known, false)
				if restart {
					stop()
					b = b.again(t, task)
					b.start(t)
				}
				r.ref(fork, "1")
				elapse(5 * time.Minute)
				_, runs := theirs.seen()
				want(t, "runs", runs, []string{"pull/7/head 1"})
				words.say(Approve, sha("1"), by(6))
				elapse(2 * time.Minute)
				_, runs = theirs.seen()
				want(t, "approved anew", len(runs), 2)
			})
		}
	}
}

// TestAWordIsOneOrder, whichever instance reads it and how often, and whatever came of it.
func TestAWordIsOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, approving)
		theirs.work = func(context.Context, git.Revision) error { return &ConflictError{"main"} } // a failure
		b := newBench(t, task)
		b.start(t)
		anna := Person{ID: 1, Login: "anna", Comment: 5}
		o := Order{What: Approve, Ref: fork, SHA: sha("1"), By: "anna", Person: anna}
		b.ordered(t, o)
		elapse(2 * time.Minute)
		b.ordered(t, o)
		elapse(2 * time.Minute)
		_, runs := theirs.seen()
		want(t, "runs", len(runs), 1)
		o.What, o.Person.Comment = Again, 6
		b.ordered(t, o)
		b.ordered(t, o)
		elapse(2 * time.Minute)
		b.ordered(t, o)
		elapse(2 * time.Minute)
		_, runs = theirs.seen()
		want(t, "runs", len(runs), 2)
		o.What, o.Person.Comment = Approve, 7
		b.ordered(t, Order{What: Pause})
		o.What = Again
		want(t, "paused", b.ordered(t, o)[:8], "refused:")
		b.ordered(t, Order{What: Resume})
		b.ordered(t, o)
		elapse(2 * time.Minute)
		_, runs = theirs.seen()
		want(t, "refused once", len(runs), 2)
	})
}

// TestAnOrderOfATrustedPullRequestIsOne: who reads the comment again after a restart runs nothing.
func TestAnOrderOfATrustedPullRequestIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, _ := forked(r, func(git.Revision) Trust { return Trust{} })
		words := &wall{}
		task.Said = words.read
		b := newBench(t, task)
		stop := b.start(t)
		elapse(time.Minute)
		words.say(Again, sha("1"), Person{ID: 1, Login: "anna", Comment: 5})
		elapse(2 * time.Minute)
		stop()
		b = b.again(t, task)
		b.start(t)
		elapse(5 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "pull/7/head 1", "pull/7/head 1"})
	})
}

// TestHeededWordsAreBounded, and what is not listed any more counts for no order either.
func TestHeededWordsAreBounded(t *testing.T) {
	var s State
	var before bool
	for n := range int64(2 * mostHeeded) {
		if s, before = s.heed(Order{Ref: fmt.Sprint("refs/pull/", n, "/head"), Person: Person{Comment: n + 1}}); before {
			t.Fatal(n, "was one before")
		}
	}
	want(t, "kept", len(s.Heeded), mostHeeded)
	for n := range int64(2 * mostHeeded) {
		if _, before = s.heed(Order{Ref: fmt.Sprint("refs/pull/", n, "/head"), Person: Person{Comment: n + 1}}); !before {
			t.Error(n, "is an order again")
		}
	}
	if _, before = s.heed(Order{Ref: "refs/pull/1/head", Person: Person{Comment: 2*mostHeeded + 1}}); before {
		t.Error("a new word is no order")
	}
}
