package poller

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestUnsignedReachesNoWorkdir has a revision that is not signed be refused before its checkout, once for the keys there are.
func TestUnsignedReachesNoWorkdir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		var keys atomic.Value
		keys.Store("some")
		var asked atomic.Int32
		task.Paths = git.PathPatterns{"api/**"}
		task.Changes = func(context.Context, git.Revision, string) (git.Changed, error) { return nil, nil }
		task.Keys = func() string { return keys.Load().(string) }
		task.Verify = func(_ context.Context, rev git.Revision, since string) (git.Signer, error) {
			asked.Add(1)
			if rev.SHA == sha("b") && keys.Load() == "some" {
				return git.Signer{}, &git.UnsignedError{Reason: "not signed by one of allowed: not signed", Keys: "some"}
			}
			return git.Signer{Name: "anna", Commit: rev.SHA}, nil
		}
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		r.push("main", "b")
		elapse(30 * time.Minute)
		_, runs := r.seen()
		want(t, "checkouts", runs, []string{"main a"})
		want(t, "how often it was asked", asked.Load(), 2)
		last := b.state(t, "deploy").Refs["refs/heads/main"]
		want(t, "outcome", last.Run.Outcome, Error)
		want(t, "reason", last.Run.Reason, "not signed by one of allowed: not signed")
		want(t, "applied", last.Applied, sha("a"))
		keys.Store("others")
		elapse(2 * time.Minute)
		want(t, "applied with other keys", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("b"))
	})
}

// TestMergeOfAPullRequestIsVerified rather than its head alone: what else it has comes from the base, which anybody may have pushed.
func TestMergeOfAPullRequestIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		r.heads["refs/pull/7/head"] = sha("b")
		task := r.task("deploy")
		task.Refs, task.RunNew = git.Patterns{"refs/pull/*/head"}, true
		task.PullOf = func(_ context.Context, rev git.Revision) (Pull, error) {
			return Pull{Number: 7, Base: "main", Head: rev.SHA, Merge: sha("f")}, nil
		}
		var asked []string
		task.Verify = func(_ context.Context, rev git.Revision, _ string) (git.Signer, error) {
			asked = append(asked, rev.Name()+" "+rev.SHA[:1])
			if rev.SHA == sha("f") {
				return git.Signer{}, &git.UnsignedError{Reason: "not signed", Keys: "some"}
			}
			return git.Signer{Name: "anna", Commit: rev.SHA}, nil
		}
		task.Keys = func() string { return "some" }
		b := newBench(t, task)
		b.start(t)
		elapse(10 * time.Minute)
		_, runs := r.seen()
		want(t, "checkouts", runs, []string(nil))
		want(t, "asked", asked, []string{"pull/7/head b", "pull/7/merge f"})
		want(t, "reason", b.state(t, "deploy").Refs["refs/pull/7/head"].Run.Reason, "not signed")
	})
}

// TestRollbackToASignedTag verifies the tag that was verified before: its commit need not be signed.
func TestRollbackToASignedTag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.tag("v1.0.0", "1")
		task := r.tagTask(t, "*")
		objects := map[string]string{"refs/tags/v1.0.0 " + sha("1"): sha("c"), "refs/tags/v1.1.0 " + sha("2"): sha("d")}
		task.TagObject = func(rev git.Revision) string { return objects[rev.Ref+" "+rev.SHA] }
		task.Keys = func() string { return "some" }
		task.Verify = func(_ context.Context, rev git.Revision, _ string) (git.Signer, error) {
			for tag, object := range objects {
				if ref, commit, _ := strings.Cut(tag, " "); ref == rev.Ref && object == rev.SHA {
					return git.Signer{Name: "anna", Commit: commit}, nil
				}
			}
			return git.Signer{}, &git.UnsignedError{Reason: "not signed", Keys: "some"}
		}
		b := newBench(t, task)
		b.start(t)
		r.tag("v1.1.0", "2")
		elapse(time.Minute)
		b.ordered(t, Order{What: Rollback})
		elapse(time.Minute)
		want(t, "runs", b.started(), []string{"v1.0.0 1 after  success moved", "v1.1.0 2 after 1 success moved", "v1.1.0 1 after 2 success moved as v1.0.0"})
		want(t, "tag", b.state(t, "deploy").Refs["refs/tags/v1.1.0"].Run.Tag, sha("c"))
	})
}
