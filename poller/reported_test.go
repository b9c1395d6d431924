package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestARunIsReportedAnew as it was, with a remark, and found by its commit.
func TestARunIsReportedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := reported(r, "deploy", "main")
		task.ReportAs = "check"
		task.Identity = func(context.Context, string) (string, error) { return "7", nil }
		var remarks []string
		b := newBench(t, task)
		b.Report = func(_ context.Context, r Report) error {
			remarks = append(remarks, string(r.Run.Outcome)+" "+r.Remark)
			*r.Note = "noted"
			return nil
		}
		b.start(t)
		elapse(10 * time.Second)
		for _, c := range []struct{ identity, sha string }{{"7", sha("b")}, {"8", sha("a")}, {"", sha("a")}} {
			if all, _, err := b.ReportedOn(t.Context(), c.identity, c.sha); err != nil || len(all) > 0 {
				t.Errorf("%v: %v, %v", c, all, err)
			}
		}
		all, _, err := b.ReportedOn(t.Context(), "7", sha("a"))
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		want(t, "note", all[0].Note, "noted")
		want(t, "head", all[0].Head, sha("a"))
		for range 2 {
			if err := b.ReportAnew(t.Context(), all[0], "paused"); err != nil {
				t.Error(err)
			}
			elapse(10 * time.Second)
		}
		want(t, "remarks", remarks[len(remarks)-2:], []string{"success paused", "success paused"})
		want(t, "left", len(b.state(t, "deploy").Unreported), 0)
	})
}
