package poller

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// notary says what is signed by anna, and notes what it is asked.
type notary struct {
	mu      sync.Mutex
	refuses map[string]string // revision → reason
	keys    string
	asked   []string // "b since a"
}

func (n *notary) refuse(reason string, revisions ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuses = map[string]string{}
	for _, c := range revisions {
		n.refuses[sha(c)] = reason
	}
}

func (n *notary) verify(_ context.Context, rev git.Revision, since string) (git.Signer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, rev.SHA[:1]+" since "+(since + "-")[:1])
	if reason := n.refuses[rev.SHA]; reason != "" {
		return git.Signer{Commit: rev.SHA}, &git.UnsignedError{Reason: reason, Keys: n.keys}
	}
	return git.Signer{Name: "anna", Commit: rev.SHA}, nil
}

func (n *notary) digest() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.keys
}

// renew has other key files.
func (n *notary) renew(keys string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keys = keys
}

// questions are those so far.
func (n *notary) questions() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// guarding has a task verify.
func (n *notary) guarding(task Task) Task {
	task.Verify, task.Keys = n.verify, n.digest
	return task
}

// TestNothingOfAnUnsignedRevisionDecides: not its message, not its paths, not the file that it brings.
func TestNothingOfAnUnsignedRevisionDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newRemote("main a"), &notary{keys: "some"}
		n.refuse("not signed", "b")
		var mu sync.Mutex
		var read []string
		note := func(what string, rev git.Revision) {
			mu.Lock()
			defer mu.Unlock()
			read = append(read, what+" of "+rev.SHA[:1])
		}
		task := n.guarding(r.task("deploy", "main"))
		task.Rules.SkipCI, task.Brings, task.Paths = true, true, git.PathPatterns{"api/**"}
		task.Text = func(_ context.Context, rev git.Revision) (git.Text, error) {
			note("message", rev)
			return git.Text{Message: "nothing to see"}, nil
		}
		task.Changes = func(_ context.Context, rev git.Revision, _ string) (git.Changed, error) {
			note("changes", rev)
			return git.Changed{{Name: "api/x"}}, nil
		}
		task.Plan = func(_ context.Context, _ string, rev git.Revision) (Plan, error) {
			note("plan", rev)
			return Plan{}, nil
		}
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		r.push("main", "b")
		elapse(time.Hour)
		want(t, "read", read, []string{"message of a", "plan of a"})
		want(t, "why", b.state(t, "deploy").Refs["refs/heads/main"].Run.Reason, "not signed")
		n.refuse("")
		n.renew("others")
		elapse(2 * time.Minute)
		want(t, "read once it is signed", read, []string{"message of a", "plan of a", "message of b", "changes of b", "plan of b"})
	})
}

// TestStrangersRevisionIsVerified by what brings it, also when somebody has approved of it.
func TestStrangersRevisionIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ours, theirs := newRemote("main a"), &notary{keys: "some"}, &notary{keys: "some"}
		r.ref(fork, "1")
		task, elsewhere := forked(r, approving)
		task = ours.guarding(task)
		task.Foreign.Verify = theirs.verify
		theirs.refuse("not signed by one of allowed: not signed", "1")
		b := newBench(t, task)
		b.start(t)
		b.ordered(t, Order{What: Approve, SHA: "1111"})
		elapse(time.Hour)
		_, runs := elsewhere.seen()
		want(t, "checkouts", runs, []string(nil))
		want(t, "asked", theirs.questions(), []string{"1 since -"})
		last := b.state(t, "deploy").Refs[fork].Run
		want(t, "outcome", []any{last.Outcome, last.Reason, last.Signer}, []any{Error, "not signed by one of allowed: not signed", ""})
		r.ref(fork, "2")
		elapse(2 * time.Minute)
		want(t, "asked before it is approved", len(theirs.questions()), 1)
		b.ordered(t, Order{What: Approve, SHA: "2222"})
		elapse(2 * time.Minute)
		_, runs = elsewhere.seen()
		want(t, "checkouts", runs, []string{"pull/7/head 2"})
		want(t, "signer", b.state(t, "deploy").Refs[fork].Run.Signer, "anna")
		want(t, "of ours", ours.questions(), []string{"a since -"})
	})
}

// TestPinOverridesForwardOnly, and a revision that is pinned must be signed all the same.
func TestPinOverridesForwardOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newRemote("main a"), &notary{keys: "some"}
		n.refuse("not signed", "0")
		b := newBench(t, n.guarding(r.task("deploy", "main")))
		b.start(t)
		r.push("main", "b")
		elapse(time.Minute)
		b.ordered(t, Order{What: Pin, SHA: sha("a")})
		want(t, "asked", n.questions(), []string{"a since -", "b since a", "a since -"})
		b.ordered(t, Order{What: Pin, SHA: sha("0")})
		want(t, "not signed", b.run(t).Reason, "not signed")
		b.ordered(t, Order{What: Unpin})
		elapse(time.Minute)
		want(t, "asked", n.questions(), []string{"a since -", "b since a", "a since -", "0 since -", "b since a"})
	})
}

// TestAppliedStaysAppliedWhenItsKeyExpires, over restarts and pins, and says what helps where it is to run anew.
func TestAppliedStaysAppliedWhenItsKeyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newRemote("main a"), &notary{keys: "some"}
		task := n.guarding(r.task("deploy", "main"))
		b := newBench(t, task)
		stop := b.start(t)
		r.push("main", "b")
		elapse(time.Minute)
		const expired = "not signed by one of keys: the key of anna expired on 2000-01-01: have it extended, and put it into the file anew"
		n.refuse(expired, "a", "b")
		elapse(time.Hour)
		stop()
		b = b.again(t, task)
		b.start(t)
		elapse(time.Hour)
		want(t, "asked", n.questions(), []string{"a since -", "b since a"})
		want(t, "pinned to what is applied", b.ordered(t, Order{What: Pin, SHA: sha("b")}), "pinned to bbbbbbb by anna")
		elapse(time.Hour)
		want(t, "ran", b.ran(), "")
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("b"))
		b.ordered(t, Order{What: Pin, SHA: sha("a")})
		want(t, "why", b.run(t).Reason, expired)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("b"))
		n.refuse("")
		n.renew("extended")
		elapse(2 * time.Minute)
		want(t, "applied with the extended key", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("a"))
	})
}

// TestRefusalIsFinalForAllMembers that have the same key files, also for one that comes later.
func TestRefusalIsFinalForAllMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &objects.Bucket{}
		r, n := newRemote("main a"), &notary{keys: "some"}
		n.refuse("not signed", "a")
		task := n.guarding(r.task("shop", "main"))
		one, two := joining(t, shared, "one", task), joining(t, shared, "two", task)
		one.start(t)
		two.start(t)
		elapse(time.Hour)
		want(t, "asked", n.questions(), []string{"a since -"})
		one.crash()
		elapse(2 * lease.TTL)
		three := joining(t, shared, "three", task)
		three.start(t)
		elapse(time.Hour)
		two.stop()
		elapse(time.Hour)
		want(t, "asked by others", n.questions(), []string{"a since -"})
		s, _, err := three.StandingOf(t.Context(), "shop")
		if err != nil || len(s.Refs) != 1 || s.Refs[0].Outcome != string(Error) {
			t.Fatal(s, err)
		}
		n.refuse("")
		n.renew("others")
		elapse(3 * time.Minute)
		_, runs := r.seen()
		want(t, "checkouts with other keys", runs, []string{"main a"})
	})
}
