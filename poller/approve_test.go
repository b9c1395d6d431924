package poller

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestApprovalIsOfOneRevision and of no later one.
func TestApprovalIsOfOneRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "side a")
		task := r.task("deploy", "main", "side")
		task.Rules.Approve = true
		b := newBench(t, task)
		b.start(t)
		want(t, "why", b.why(t), "waits for approval of aaaaaaa")
		want(t, "told", b.texts(Skipped), "waits for approval of aaaaaaa\nwaits for approval of aaaaaaa")
		want(t, "answer", b.ordered(t, Order{What: Approve}), "refused: several heads wait: name one by its SHA, or with --ref: main at aaaaaaa, side at aaaaaaa")
		want(t, "answer", b.ordered(t, Order{What: Approve, SHA: "bbbb"}), "refused: no head that waits for approval begins with bbbb")
		want(t, "answer", b.ordered(t, Order{What: Approve, SHA: "aa"}), "refused: \"aa\" is no revision: write at least 4 digits of its SHA")
		want(t, "answer", b.ordered(t, Order{What: Approve, Ref: "refs/heads/main"}), "runs with the next poll")
		elapse(time.Minute)
		want(t, "finished", b.told(Finished), []string{"finished main a success"})
		want(t, "ordered", b.texts(Ordered), sha("a")+" approved by anna")

		r.push("side", "b") // between what was looked at and the approval
		want(t, "answer", b.ordered(t, Order{What: Approve, SHA: "aaaa"}), "runs with the next poll")
		elapse(time.Minute)
		want(t, "finished", len(b.told(Finished)), 1)
		b.ordered(t, Order{What: Approve, SHA: sha("b")})
		elapse(time.Minute)
		want(t, "finished", b.told(Finished)[1:], []string{"finished side b success"})
		want(t, "answer", b.ordered(t, Order{What: Approve}), "refused: no head waits for approval")
		b.ordered(t, Order{What: Again, Ref: "refs/heads/main"})
		r.push("main", "c")
		b.ordered(t, Order{What: Pause})
		elapse(time.Hour)
		want(t, "finished", len(b.told(Finished)), 3)
	})
}
