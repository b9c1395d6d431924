package github_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/github"
)

// waiting is the report of a run that waits.
func (s *scene) waiting(waits, why string, note *string) poller.Report {
	r := s.check(poller.Pending, note)
	r.Run.Waits, r.Run.Reason, r.Run.Action = waits, why, ""
	return r
}

func TestACheckRunWaitsUntilItsRunStarts(t *testing.T) {
	s, note := checking(t), ""
	s.wantTaken(s.waiting(poller.ForTurn, "waiting for a slot", &note))
	if one := s.only(); one.Status != "queued" || one.Output.Title != "shop & site: waiting for a slot" || len(one.Actions) > 0 {
		t.Errorf("%+v", one)
	}
	s.wantTaken(s.waiting(poller.ForWindow, "opens Mon 08:00 UTC", &note))
	if one := s.only(); one.Status != "queued" || one.Output.Title != "shop & site: opens Mon 08:00 UTC" {
		t.Errorf("%+v", one)
	}
	s.wantTaken(s.check(poller.Pending, &note))
	if one := s.only(); one.Status != "in_progress" || len(one.Actions) != 1 {
		t.Errorf("%+v", one)
	}
	s.wantTaken(s.check(poller.Success, &note))
	if one := s.only(); one.Conclusion != "success" {
		t.Errorf("%+v", one)
	}
}

func TestACheckRunThatWaitsForApproval(t *testing.T) {
	s, note := checking(t), ""
	s.wantTaken(s.waiting(poller.ForApproval, "waits for approval of 1a2b3c4", &note))
	asked := s.only()
	if asked.Conclusion != "action_required" || len(asked.Actions) != 1 || asked.Actions[0].Identifier != github.ApproveButton || !strings.Contains(asked.Output.Summary, "kitops approve") {
		t.Errorf("%+v", asked)
	}
	s.wantTaken(s.check(poller.Pending, &note))
	s.wantTaken(s.check(poller.Success, &note))
	all := s.shop.CheckRuns(s.sha)
	if len(all) != 2 || all[0].Conclusion != "action_required" || all[1].Conclusion != "success" {
		t.Errorf("%+v", all)
	}
}

// TestACheckRunWhoseRunNeverStarts is cancelled, whatever it waited for, and there is no second one.
func TestACheckRunWhoseRunNeverStarts(t *testing.T) {
	for _, waits := range []string{poller.ForTurn, poller.ForApproval, poller.ForResume} {
		s, note := checking(t), ""
		s.wantTaken(s.waiting(waits, "it waits", &note))
		over := s.waiting(waits, "side is gone", &note)
		over.Run.Outcome = poller.Failure
		s.wantTaken(over)
		over.Doubtful = true // the answer was lost
		s.wantTaken(over)
		if one := s.only(); one.Conclusion != "cancelled" || len(one.Actions) > 0 || one.Output.Title != "shop & site: side is gone" {
			t.Errorf("%s: %+v", waits, one)
		}
	}
}

// TestALostAnswerMakesNoSecondCheckRunThatWaits, whoever goes on with it.
func TestALostAnswerMakesNoSecondCheckRunThatWaits(t *testing.T) {
	for _, waits := range []string{poller.ForTurn, poller.ForApproval} {
		s, note := checking(t), ""
		fault := s.Inject(apptest.Filter{Method: http.MethodPost, Path: "/repos/*/*/check-runs"}, 1, apptest.Cut(0))
		if err := s.reporter.Report(t.Context(), s.waiting(waits, "it waits", &note)); err == nil || fault.Hits() != 1 {
			t.Fatal(err, fault.Hits())
		}
		again := s.waiting(waits, "it waits", &note)
		again.Doubtful = true
		s.wantTaken(again)
		s.only()
	}
}

// TestACheckRunIsToldAnewAsItWas, with its log and its annotations, by who knows no more than its name.
func TestACheckRunIsToldAnewAsItWas(t *testing.T) {
	s, note := checking(t), ""
	s.print("compiling", "::error file=app.go,line=3::no such thing", "::warning file=app.go,line=4,col=2::odd")
	s.wantTaken(s.check(poller.Failure, &note))
	first := s.only()

	anew := poller.Report{URL: s.check(poller.Failure, &note).URL, To: "kitops/shop", As: github.AsCheck, Of: note, Repeats: "x", Remark: "Not run again: `no`", Doubtful: true, Noted: new(string)}
	anew.Note, anew.Run.ID, anew.Run.Revision.SHA = anew.Noted, "again", s.sha
	s.Inject(apptest.Filter{Method: http.MethodPost, Path: "/repos/*/*/check-runs"}, 1, apptest.Cut(0))
	if err := s.reporter.Report(t.Context(), anew); err == nil {
		t.Fatal("no error")
	}
	s.wantTaken(anew)
	all := s.shop.CheckRuns(s.sha)
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	second := all[1]
	if second.Conclusion != "failure" || second.Output.Text != first.Output.Text || second.Output.Title != first.Output.Title || second.DetailsURL != first.DetailsURL ||
		second.Output.Summary != "`` Not run again: `no` ``\n\n"+first.Output.Summary || len(second.Annotations) != 2 || second.Annotations[0] != first.Annotations[0] || second.Annotations[1] != first.Annotations[1] {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}

	anew.Of, anew.Repeats = github.NoteOf(app.KnownCheck{ID: 1, SHA: s.sha, Conclusion: "failure"}), "y" // which is not there
	s.wantTaken(anew)
	if n := len(s.shop.CheckRuns(s.sha)); n != 2 {
		t.Errorf("%d check runs", n)
	}
}

// TestACheckRunThatComesToWaitForApproval: no other one is left waiting beside it for ever.
func TestACheckRunThatComesToWaitForApproval(t *testing.T) {
	for _, doubtful := range []bool{false, true} {
		s, note := checking(t), ""
		tell := func(r poller.Report) {
			t.Helper()
			r.Doubtful = doubtful
			s.wantTaken(r)
		}
		tell(s.waiting(poller.ForWindow, "opens Mon 08:00 UTC", &note))
		tell(s.waiting(poller.ForApproval, "waits for approval of 1a2b3c4", &note)) // by another definition of the task
		if one := s.only(); one.Conclusion != "action_required" || len(one.Actions) != 1 {
			t.Errorf("%+v", one)
		}
		tell(s.waiting(poller.ForWindow, "opens Mon 08:00 UTC", &note))
		tell(s.check(poller.Pending, &note))
		tell(s.check(poller.Success, &note))
		all := s.shop.CheckRuns(s.sha)
		if len(all) != 2 || all[0].Conclusion != "action_required" || all[1].Conclusion != "success" {
			t.Errorf("%+v", all)
		}
	}
}
