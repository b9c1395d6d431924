package github_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/github"
)

// checking is a scene whose installation grants check runs.
func checking(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	s.reporter.Records = &github.Records{Wants: func(string) bool { return true }, Plain: func(line string) []string { return []string{line} }}
	s.reporter.Has = func(_ context.Context, _, _ string, paths []string) (map[string]bool, error) {
		has := map[string]bool{}
		for _, path := range paths {
			has[path] = path == "app.go"
		}
		return has, nil
	}
	s.reporter.LogMode = func(string) string { return github.LogTail }
	return s
}

// check is a report that goes out as a check run, with a note to keep.
func (s *scene) check(outcome poller.Outcome, note *string) poller.Report {
	r := s.report(outcome)
	r.As, r.Note = github.AsCheck, note
	if outcome == poller.Success {
		r.Run.Action, r.Run.Reason = "", ""
	}
	return r
}

// print has the run print lines, as if an action did.
func (s *scene) print(lines ...string) {
	run := s.report(poller.Pending).Run
	s.reporter.Records.Observe(poller.Event{Kind: poller.ActionStarted, Task: run.Task, Run: run})
	for _, line := range lines {
		s.reporter.Records.Observe(poller.Event{Kind: poller.Printed, Task: run.Task, Run: run, Data: []byte(line + "\n")})
	}
}

// only is the one check run of the commit.
func (s *scene) only() apptest.CheckRun {
	s.t.Helper()
	all := s.shop.CheckRuns(s.sha)
	if len(all) != 1 {
		s.t.Fatalf("%d check runs: %+v\n%s", len(all), all, s.log)
	}
	return all[0]
}

func TestACheckRunGoesFromInProgressToItsEnd(t *testing.T) {
	s, note := checking(t), ""
	s.wantTaken(s.check(poller.Pending, &note))
	begun := s.only()
	if begun.Status != "in_progress" || begun.Name != "kitops/shop" || len(begun.Actions) != 1 || begun.Actions[0].Identifier != github.CancelButton {
		t.Errorf("begun: %+v", begun)
	}
	s.print("compiling", "from https://anna:pw@example.com/x", "token ghs_"+strings.Repeat("a", 40), "::error file=app.go,line=3,endLine=1,col=9::no such thing%0Aat all", "::error file=gone.go::x", "::error file=../app.go::x", "::error::x")
	failed := s.check(poller.Failure, &note)
	failed.Run.Signer, failed.Run.ApprovedBy = "anna", "bob"
	s.wantTaken(failed)
	ended := s.only()
	if ended.Conclusion != "failure" || len(ended.Actions) != 0 || ended.Output.Title != "shop & site: build failed with exit code 1 after 1s" {
		t.Errorf("ended: %+v", ended)
	}
	if len(ended.Annotations) != 1 || ended.Annotations[0] != (apptest.CheckAnnotation{Path: "app.go", StartLine: 3, EndLine: 3, StartColumn: 9, EndColumn: 9, Level: "failure", Message: "no such thing\nat all"}) {
		t.Errorf("annotations: %+v", ended.Annotations)
	}
	if text := ended.Output.Text; text != "```\ncompiling\nfrom https://***@example.com/x\ntoken [redacted]\n::error file=app.go,line=3,endLine=1,col=9::no such thing%0Aat all\n::error file=gone.go::x\n::error file=../app.go::x\n::error::x\n```" {
		t.Errorf("text:\n%s", text)
	}
	if !strings.Contains(ended.Output.Summary, "| ` build ` | ") || !strings.Contains(ended.Output.Summary, ", signed by ` anna `, approved by ` bob `.") || !strings.Contains(ended.Output.Summary, "https://ci.example.com/") {
		t.Errorf("summary:\n%s", ended.Output.Summary)
	}
	if n := s.posts(); n != 0 {
		t.Errorf("%d statuses beside", n)
	}
}

func TestAShortRunIsOneCompleteRequest(t *testing.T) {
	s, note := checking(t), ""
	s.wantTaken(s.check(poller.Success, &note))
	if one := s.only(); one.Conclusion != "success" || one.Changes != 1 {
		t.Errorf("%+v", one)
	}
}

func TestConclusions(t *testing.T) {
	for name, test := range map[string]struct {
		outcome poller.Outcome
		reason  string
		by      string
		want    string
	}{
		"succeeded":   {poller.Success, "", "", "success"},
		"nothing":     {poller.Success, poller.NothingToRun, "", "success"},
		"failed":      {poller.Failure, "exit status 1", "", "failure"},
		"out of time": {poller.Failure, "out of time after 1m0s", "", "timed_out"},
		"cancelled":   {poller.Failure, "cancelled by anna", "anna", "cancelled"},
		"not run":     {poller.Error, "fetch: no route to host", "", "failure"},
		"superseded":  {poller.Failure, "superseded by 8e1f6a2", "", "cancelled"},
		"cut off":     {poller.Error, "interrupted: kitops was killed, will run again", "", "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, note := checking(t), ""
			r := s.check(test.outcome, &note)
			r.Run.Reason, r.Run.Cancelled = test.reason, test.by
			_, r.Run.Superseded, _ = strings.Cut(test.reason, "superseded by ")
			s.wantTaken(r)
			if got := s.only().Conclusion; got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestALostAnswerMakesNoSecondCheckRun: neither of the request that makes it, nor of those that change it, whoever goes on.
func TestALostAnswerMakesNoSecondCheckRun(t *testing.T) {
	s, note := checking(t), ""
	var lines []string
	for i := range 120 {
		lines = append(lines, "::warning file=app.go,line="+strconv.Itoa(i)+"::odd")
	}
	s.print(lines...)
	lose := func(method, path string, r poller.Report) {
		t.Helper()
		fault := s.Inject(apptest.Filter{Method: method, Path: path}, 1, apptest.Cut(0))
		if err := s.reporter.Report(t.Context(), r); err == nil || fault.Hits() != 1 {
			t.Fatalf("%s: %v after %d", method, err, fault.Hits())
		}
	}
	lose(http.MethodPost, "/repos/*/*/check-runs", s.check(poller.Pending, &note))
	if note != "" {
		t.Errorf("noted %q of what nobody has confirmed", note)
	}
	again := s.check(poller.Pending, &note)
	again.Doubtful = true
	s.wantTaken(again)
	kept := note
	lose(http.MethodPatch, "/repos/*/*/check-runs/*", s.check(poller.Failure, &note))
	end := s.check(poller.Failure, &note)
	end.Doubtful = true
	s.wantTaken(end, end)
	note = kept // the agent was killed before it could note anything
	s.wantTaken(end)
	note = ""
	s.wantTaken(end)
	if one := s.only(); one.Conclusion != "failure" || len(one.Annotations) != 100 {
		t.Errorf("%d annotations of %+v", len(one.Annotations), one.Output)
	}
}

func TestAnnotationsThatGitHubRefusesAreLeftOut(t *testing.T) {
	s, note := checking(t), ""
	s.print("::error file=app.go::bad")
	s.Inject(apptest.Filter{Method: http.MethodPost, Path: "/repos/*/*/check-runs"}, 1, apptest.Fail(http.StatusUnprocessableEntity, "Invalid request"))
	s.wantTaken(s.check(poller.Failure, &note))
	if one := s.only(); one.Conclusion != "failure" || len(one.Annotations) != 0 {
		t.Errorf("%+v", one)
	}
	s.wantLogged("GitHub refused the annotations", 1)
}

func TestACheckRunThatIsNotKnownYetIsTriedAgain(t *testing.T) {
	s, note := checking(t), ""
	young := s.check(poller.Pending, &note)
	young.Run.Started = time.Now()
	s.wantTaken(young)
	unknown := s.Inject(apptest.Filter{Method: http.MethodPatch}, 0, apptest.Fail(http.StatusNotFound, "Not Found"))
	end := s.check(poller.Success, &note)
	end.Run.Started = young.Run.Started
	if err := s.reporter.Report(t.Context(), end); err == nil {
		t.Error("taken, but GitHub did not know it yet")
	}
	unknown.Lift()
	s.wantTaken(end)
	if one := s.only(); one.Conclusion != "success" {
		t.Errorf("%+v", one)
	}
}

// TestACheckRunThatWasMadeJustNowIsNotMadeAgain: that GitHub does not know it yet says nothing else, however long the run took.
func TestACheckRunThatWasMadeJustNowIsNotMadeAgain(t *testing.T) {
	s, note := checking(t), ""
	for range 120 {
		s.print("::warning file=app.go::odd")
	}
	unknown := s.Inject(apptest.Filter{Method: http.MethodPatch}, 0, apptest.Fail(http.StatusNotFound, "Not Found"))
	end := s.check(poller.Failure, &note)
	end.Run.Started = time.Now().Add(-time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.reporter.Report(ctx, end); err == nil || ctx.Err() != nil {
		t.Error("taken, but GitHub did not know it yet", ctx.Err())
	}
	unknown.Lift()
	end.Doubtful = true
	s.wantTaken(end)
	if one := s.only(); len(one.Annotations) != 100 {
		t.Errorf("%d annotations", len(one.Annotations))
	}
}

func TestWithoutThePermissionThereAreStatusesInstead(t *testing.T) {
	s, note := checking(t), ""
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	s.wantTaken(s.check(poller.Pending, &note))
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	s.app.Outdated("acme")
	s.wantTaken(s.check(poller.Success, &note)) // the commit keeps the kind that it began with
	if all := s.shop.Statuses(s.sha); len(all) != 2 || all[1].State != "success" || all[1].Context != "kitops/shop" || len(s.shop.CheckRuns(s.sha)) != 0 {
		t.Errorf("%+v", all)
	}
	s.wantLogged("commit statuses instead of check runs", 1)
	s.sha = s.shop.Push("main", nil)
	s.wantTaken(s.check(poller.Success, &note))
	if one := s.only(); one.Conclusion != "success" || len(s.shop.Statuses(s.sha)) != 0 {
		t.Errorf("%+v", one)
	}
}

func TestTheLogIsNotForTheWorldToRead(t *testing.T) {
	s, note := checking(t), ""
	s.shop.SetPrivate(false)
	s.print("a line")
	s.wantTaken(s.check(poller.Success, &note))
	if out := s.only().Output; out.Text != "" || !strings.Contains(out.Summary, "not shown on public repositories") {
		t.Errorf("%+v", out)
	}
}
