package github_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
)

// TestADeletedLogIsNowhere: what was told anew under the name of another run shows it no more, either. Other logs stay.
func TestADeletedLogIsNowhere(t *testing.T) {
	s, note := checking(t), ""
	s.print("what nobody should read")
	first := s.check(poller.Failure, &note)
	s.wantTaken(first)
	of := note
	anew := s.check(poller.Failure, new(string))
	anew.Run.ID, anew.Of, anew.Repeats, anew.Remark, anew.Doubtful = "again-"+s.sha, of, "x", "Not run again", true
	s.wantTaken(anew)
	other := s.check(poller.Failure, new(string))
	other.Run.ID = "other"
	s.reporter.Records.Observe(poller.Event{Kind: poller.ActionStarted, Task: other.Run.Task, Run: other.Run})
	s.reporter.Records.Observe(poller.Event{Kind: poller.Printed, Task: other.Run.Task, Run: other.Run, Data: []byte("another\n")})
	s.wantTaken(other)
	if all := s.shop.CheckRuns(s.sha); len(all) != 3 || !strings.Contains(all[1].Output.Text, "nobody") {
		t.Fatalf("%+v", all)
	}
	repository := s.reporter.Find(first)
	s.Inject(apptest.Filter{Method: http.MethodPatch, Path: "/repos/*/*/check-runs/*"}, 1, apptest.Fail(http.StatusBadGateway, ""))
	for try := range 2 {
		err := s.reporter.Withdraw(t.Context(), repository, s.sha, first.To, first.Run.ID, "anna")
		if (err != nil) != (try == 0) {
			t.Fatal(try, err)
		}
	}
	all := s.shop.CheckRuns(s.sha)
	for _, one := range all[:2] {
		if strings.Contains(one.Output.Text+one.Output.Summary, "nobody") || one.Conclusion != "failure" {
			t.Errorf("%+v", one)
		}
	}
	if !strings.Contains(all[2].Output.Text, "another") {
		t.Errorf("%+v", all[2])
	}
}
