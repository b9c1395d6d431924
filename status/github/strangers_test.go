package github_test

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
)

// TestWhatOthersReportIsNotAdopted: a check run or a commit status of the task's name by another App, or by a person, is never
// taken for kitops' own, and named once.
func TestWhatOthersReportIsNotAdopted(t *testing.T) {
	s, note := checking(t), ""
	other := s.RegisterApp("acme", "Other CI", apptest.AppOptions{Permissions: apptest.Permissions{"checks": "write"}})
	end := s.check(poller.Failure, &note)
	s.shop.AddCheckRun(other, s.sha, apptest.CheckRun{Name: end.To, ExternalID: end.Run.ID + "/0", Status: "completed", Conclusion: "success"})
	end.Doubtful = true
	s.wantTaken(end)
	all := s.shop.CheckRuns(s.sha)
	if len(all) != 2 || all[1].Conclusion != "failure" || all[0].Changes != 0 {
		t.Errorf("%+v", all)
	}

	mona := s.AddUser("mona")
	report := s.report(poller.Success)
	s.wantTaken(report)
	said := s.shop.Statuses(s.sha)[0]
	s.sha = s.shop.Push("main", nil)
	s.shop.AddStatus(mona, s.sha, apptest.Status{State: said.State, Context: said.Context, Description: said.Description})
	report = s.report(poller.Success)
	report.Doubtful = true
	report.Run.Task = "another"
	report.Run.Action = "" // the same words
	s.shop.AddStatus(mona, s.sha, apptest.Status{State: said.State, Context: said.Context, Description: strings.Replace(said.Description, "shop & site", "another", 1)})
	s.wantTaken(report, report)
	if posted := s.shop.Statuses(s.sha); len(posted) != 3 || posted[2].Creator != "kit-ops[bot]" {
		t.Errorf("%+v", posted)
	}
	s.wantLogged("somebody else reports under the name of this task", 2)
	s.wantLogged("the App other-ci", 1)
	s.wantLogged("by=mona", 1)
}
