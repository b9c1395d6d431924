package github_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/status/github"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// scene is the repository acme/shop on a GitHub with an App, and the reporter for it.
type scene struct {
	*apptest.GitHub
	t            *testing.T
	reporter     github.Reporter
	shop         *apptest.Repository
	sha          string
	installation *apptest.Installation
	app          *app.App
	log          *bytes.Buffer
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{GitHub: apptest.New(t, apptest.Options{}), t: t, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.AddOrg("acme")
	s.shop = s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	s.sha = s.shop.Push("main", nil)
	registered := s.RegisterApp("acme", "Kit Ops", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}})
	s.installation = registered.Install("acme", nil)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var err error
	s.app, err = app.New(app.Options{
		ID: registered.ClientID, Key: app.Key{Literal: secret.New(string(registered.PrivateKey()))}, APIURL: s.APIURL,
		Statuses: true, Transport: transport, Log: log, Recheck: time.Nanosecond, Timeout: time.Minute, Lag: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.reporter.Log, s.reporter.TargetURL = log, "https://ci.example.com/{task}?run={run}&sha={sha}"
	s.reporter.Find = func(r poller.Report) *app.Repository {
		owner, name, ok := s.app.Covers(r.URL)
		if !ok {
			return nil
		}
		return s.app.Repository(owner, name)
	}
	return s
}

// report is one on the scene's commit.
func (s *scene) report(outcome poller.Outcome) poller.Report {
	return poller.Report{
		Run: poller.Run{
			ID: "20260102t030405-abcdefghij", Task: "shop & site", Revision: git.Revision{Ref: "refs/heads/main", SHA: s.sha},
			Started: began, Finished: began.Add(time.Second), Outcome: outcome, Action: "build", Reason: "exit status 1",
		},
		URL: s.shop.CloneURL(), To: "kitops/shop",
	}
}

// wantTaken fails the test unless the reporter is done with the reports.
func (s *scene) wantTaken(reports ...poller.Report) {
	s.t.Helper()
	for _, r := range reports {
		if err := s.reporter.Report(s.t.Context(), r); err != nil {
			s.t.Fatal(err)
		}
	}
}

// wantLogged fails the test unless the words were logged so many times.
func (s *scene) wantLogged(words string, times int) {
	s.t.Helper()
	if n := strings.Count(s.log.String(), words); n != times {
		s.t.Errorf("%q logged %d times, want %d:\n%s", words, n, times, s.log)
	}
}

// TestADoubtfulReportIsPostedUnlessItIsThere: who goes on for another agent does not know what that one has posted.
func TestADoubtfulReportIsPostedUnlessItIsThere(t *testing.T) {
	s := newScene(t)
	pending, success := s.report(poller.Pending), s.report(poller.Success)
	pending.Doubtful, success.Doubtful = true, true
	s.wantTaken(pending, pending, success, success, success)
	if n := s.posts(); n != 2 {
		t.Errorf("%d posts, want 2", n)
	}
	s.wantTaken(pending) // the newest counts
	if n := s.posts(); n != 3 {
		t.Errorf("%d posts, want 3", n)
	}
}

func (s *scene) posts() int {
	return s.Count(apptest.Filter{Method: http.MethodPost, Path: "/repos/*/*/statuses/*"})
}

func TestReportsArriveInOrder(t *testing.T) {
	s := newScene(t)
	want := []poller.Outcome{poller.Pending, poller.Error, poller.Failure, poller.Success}
	for _, outcome := range want {
		s.wantTaken(s.report(outcome))
	}
	all := s.shop.Statuses(s.sha)
	for i, got := range all {
		if got.State != string(want[i]) || got.Context != "kitops/shop" {
			t.Errorf("status %d is %+v", i, got)
		}
	}
	target := "https://ci.example.com/shop%20%26%20site?run=20260102t030405-abcdefghij&sha=" + s.sha
	if len(all) != len(want) || all[2].Description != "shop & site: build failed with exit code 1 after 1s" || all[2].TargetURL != target {
		t.Errorf("got %+v", all)
	}
	if s.log.Len() > 0 {
		t.Errorf("log\n%s", s.log)
	}
}

func TestReportsWithoutATarget(t *testing.T) {
	s := newScene(t)
	s.reporter.TargetURL = ""
	s.wantTaken(s.report(poller.Success))
	if all := s.shop.Statuses(s.sha); len(all) != 1 || all[0].TargetURL != "" {
		t.Errorf("got %+v", all)
	}
}

func TestWhatGitHubRefusesIsFinal(t *testing.T) {
	unknown := func(s *scene) poller.Report {
		r := s.report(poller.Success)
		r.Run.Revision.SHA = strings.Repeat("a", 40)
		return r
	}
	tests := map[string]struct {
		report func(*scene) poller.Report
		want   string
	}{
		"422": {unknown, "422"},
		"404": {func(s *scene) poller.Report { s.shop.Delete(); return s.report(poller.Success) }, "acme/shop"},
		"archived": {func(s *scene) poller.Report {
			s.shop.SetArchived(true)
			return s.report(poller.Success)
		}, "archived"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.wantTaken(s.report(poller.Pending))
			s.wantTaken(test.report(s))
			s.wantLogged("GitHub refused the commit status", 1)
			if !strings.Contains(s.log.String(), test.want) || !strings.Contains(s.log.String(), "run=20260102t030405-abcdefghij") {
				t.Errorf("log\n%s", s.log)
			}
		})
	}
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	for name, effect := range map[string]apptest.Effect{
		"503": apptest.Fail(http.StatusServiceUnavailable, ""), "no answer": apptest.Drop(),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			fault := s.Inject(apptest.Filter{Path: "/repos/*/*/statuses/*"}, 0, effect)
			if err := s.reporter.Report(t.Context(), s.report(poller.Success)); err == nil {
				t.Error("taken, but GitHub has not")
			}
			fault.Lift()
			s.wantTaken(s.report(poller.Success))
			if n := len(s.shop.Statuses(s.sha)); n != 1 {
				t.Errorf("%d statuses", n)
			}
			s.wantLogged("refused", 0)
		})
	}
}

func TestAMissingPermissionIsNoNewsForReports(t *testing.T) {
	s := newScene(t)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
	s.wantTaken(s.report(poller.Pending), s.report(poller.Success))
	s.wantLogged("no commit statuses", 1) // by the App
	s.wantLogged("level=WARN", 1)
	if n := s.posts(); n != 0 {
		t.Errorf("%d posts", n)
	}
}

func TestAPublicRepositoryThatTheAppDoesNotReachIsNoNewsEither(t *testing.T) {
	s := newScene(t)
	s.shop.SetPrivate(false)
	s.installation.Uninstall()
	s.wantTaken(s.report(poller.Pending), s.report(poller.Success))
	s.wantLogged("refused", 0)
}

func TestReportsOfATaskWithoutAnApp(t *testing.T) {
	s := newScene(t)
	r := s.report(poller.Success)
	r.URL = "https://git.example.com/acme/shop"
	s.wantTaken(r)
	s.wantLogged("there is no GitHub App for this repository any more", 1)
}
