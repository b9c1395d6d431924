package poller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestWordsBecomeOrders of the revision that they name, once, and of no run that began later.
func TestWordsBecomeOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, approving)
		theirs.work = (&gauge{}).during(10 * time.Minute)
		var mu sync.Mutex
		var say []Word
		speak := func(word Word) {
			mu.Lock()
			defer mu.Unlock()
			say = []Word{word}
		}
		var about []string
		task.Said = func(_ context.Context, talks []Talk) (words []Word, err error) {
			mu.Lock()
			defer mu.Unlock()
			for _, talk := range talks {
				about = append(about, talk.Revision.Name()+" "+talk.Revision.SHA[:1])
			}
			words, say = say, nil
			return words, nil
		}
		var asked []Person
		task.Admit = func(_ context.Context, _ git.Revision, by Person) error {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, by)
			return nil
		}
		seen := func() ([]string, []Person) {
			mu.Lock()
			defer mu.Unlock()
			return slices.Compact(slices.Clone(about)), slices.Clone(asked)
		}
		anna := Person{ID: 1, Login: "anna", Comment: 5}
		rev := git.Revision{Ref: fork, SHA: sha("1")}
		b := newBench(t, task)
		b.start(t)
		heads, _ := seen()
		want(t, "about", heads, []string{"pull/7/head 1"})
		s, _, _ := b.StandingOf(t.Context(), "deploy")
		want(t, "why", s.Refs[1].Why, "waits for approval of 1111111: somebody who may write comments /kitops run 1111111")
		speak(Word{What: Approve, Revision: git.Revision{Ref: fork, SHA: sha("2")}, By: Person{ID: 1, Login: "anna", Comment: 4}}) // another one
		elapse(2 * time.Minute)
		want(t, "noticed", b.texts(Noticed), "approve, wanted by anna: no head that waits for approval begins with "+sha("2"))
		speak(Word{What: Approve, Revision: rev, By: anna})
		elapse(2 * time.Minute)
		want(t, "runs", b.state(t, "deploy").Refs[fork].unfinished(), true)
		_, people := seen()
		want(t, "asked", people, []Person{anna})
		speak(Word{What: Cancel, Revision: rev, By: anna, At: time.Now().Add(-time.Hour)}) // of a run before this one
		elapse(2 * time.Minute)
		want(t, "runs", b.state(t, "deploy").Refs[fork].unfinished(), true)
		speak(Word{What: Cancel, Revision: rev, By: anna, At: time.Now()})
		elapse(2 * time.Minute)
		want(t, "cancelled", b.state(t, "deploy").Refs[fork].Run.Reason, "cancelled by anna")
		want(t, "heeded", b.state(t, "deploy").heeded(fork).Comment, int64(5))
		_, before := theirs.seen()
		speak(Word{What: Again, Revision: rev, By: Person{ID: 1, Login: "anna", Comment: 6}})
		elapse(15 * time.Minute)
		_, runs := theirs.seen()
		want(t, "again", len(runs)-len(before), 1)
		want(t, "finished", b.told(Finished)[1:], []string{"finished pull/7/head 1 failure", "finished pull/7/head 1 success"})
		_, people = seen()
		want(t, "asked", len(people), 2)
		r.ref(fork, "2")
		elapse(2 * time.Minute)
		speak(Word{What: Again, Revision: rev, By: Person{ID: 1, Login: "anna", Comment: 7}}) // which is the head no more
		elapse(15 * time.Minute)
		want(t, "finished", len(b.told(Finished)), 3)
	})
}

// TestApprovalIsAskedAgainAsTheRunStarts and counts no more where who has approved may not.
func TestApprovalIsAskedAgainAsTheRunStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, approving)
		var mu sync.Mutex
		answers := []error{&UnapprovedError{"anna may not write to the repository"}, &PassingError{errors.New("an outage")}, nil}
		task.Admit = func(context.Context, git.Revision, Person) (err error) {
			mu.Lock()
			defer mu.Unlock()
			err, answers = answers[0], answers[1:]
			return err
		}
		b := newBench(t, task)
		b.start(t)
		b.ordered(t, Order{What: Approve, SHA: "1111", Person: Person{ID: 1, Login: "anna", Comment: 5}})
		elapse(10 * time.Minute)
		_, runs := theirs.seen()
		want(t, "runs", runs, []string(nil))
		want(t, "noticed", b.texts(Noticed), "waits for approval of 1111111: anna may not write to the repository")
		mu.Lock()
		want(t, "asked", len(answers), 2)
		mu.Unlock()
		want(t, "heeded", b.state(t, "deploy").heeded(fork).Comment, int64(5))
		b.ordered(t, Order{What: Approve, SHA: "1111"})
		elapse(10 * time.Minute)
		_, runs = theirs.seen()
		want(t, "runs", runs, []string{"pull/7/head 1"})
		want(t, "trouble", len(b.told(Troubled)), 1)
	})
}
