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
		want(t, "why", b.why(t), "applied 1 min ago, approved by anna")

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

// TestApprovalWithoutAnAgent, of what the last one has left waiting, for the next.
func TestApprovalWithoutAnAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Rules.Approve = true
		b := newBench(t, task)
		if err := b.Once(t.Context(), true); err != nil {
			t.Error(err)
		}
		standing := func() string {
			all, err := StandingsOf(t.Context(), b.Store)
			if err != nil || len(all) != 1 || len(all[0].Refs) != 1 {
				t.Fatal(all, err)
			}
			return all[0].Refs[0].Head[:1] + " " + all[0].Refs[0].Why + all[0].Why
		}
		want(t, "why", standing(), "a waits for approval of aaaaaaa")
		for _, c := range []struct{ sha, why string }{{"bbbb", "no head that waits for approval begins with bbbb"}, {"aaaa", "runs when kitops is back"}, {"aaaa", "no head that waits for approval begins with aaaa"}} {
			why, err := OrderOf(t.Context(), b.Store, "deploy", Order{What: Approve, SHA: c.sha, By: "anna"})
			if err != nil {
				why = err.Error()
			}
			want(t, "answer", why, c.why)
		}
		want(t, "why", standing(), "a runs with the next poll")
		r.push("main", "b")
		next := b.again(t, task)
		if err := next.Once(t.Context(), true); err != nil {
			t.Error(err)
		}
		want(t, "finished", next.told(Finished), []string{})
		r.push("main", "a")
		next = b.again(t, task)
		if err := next.Once(t.Context(), true); err != nil {
			t.Error(err)
		}
		want(t, "finished", next.told(Finished), []string{"finished main a success"})
	})
}
