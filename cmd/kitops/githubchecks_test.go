//go:build unix

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// checkScene is a scene whose App may write check runs, with no address that GitHub can reach.
type checkScene struct {
	*scene
	anna, bob *apptest.Account // who may write, and who may not
}

func newCheckScene(t *testing.T) *checkScene {
	t.Helper()
	s := &checkScene{scene: newPromptScene(t, apptest.Options{})}
	s.anna, s.bob = s.AddUser("anna"), s.AddUser("bob")
	s.anna.SetRole(s.shop, "write")
	s.bob.SetRole(s.shop, "read")
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	s.app.SetHook("http://127.0.0.1:1/webhook", "push", "check_run", "check_suite")
	return s
}

// checked runs an action and reports by check runs, which show the log.
func (s *checkScene) checked(action string) []string {
	s.write("action", action)
	return append(s.tasks(`
tasks:
  - name: shop
    git: {url: `+s.shop.CloneURL()+`, branch: main}
    interval: 1m
    github: {report: check, check_log: tail}
    secrets: {SECRET: {file: `+s.write("secret", "s3cr3t/of+the=shop\n")+`}}
    actions:
      - name: work
        run: sh `+s.path("action")+`
        environment: {PLACE: `+s.dir+`}
`), "--deliveries-interval", "100ms", "--github-report", "status")
}

// awaitChecks waits until the check runs of a commit stand so, the oldest first.
func (s *checkScene) awaitChecks(sha string, want ...string) []apptest.CheckRun {
	s.t.Helper()
	var all []apptest.CheckRun
	var got []string
	s.await(fmt.Sprint("the check runs ", want, ", but ", got), func() bool {
		all, got = s.shop.CheckRuns(sha), nil
		for _, one := range all {
			if one.Conclusion == "" {
				one.Conclusion = one.Status
			}
			got = append(got, one.Conclusion)
		}
		return slices.Equal(got, want)
	})
	return all
}

// deliver has GitHub tell of a click, which is in the App's log and nowhere else, and waits until kitops has read it.
func (s *checkScene) deliver(e apptest.Event) {
	s.t.Helper()
	d := s.app.Deliver(s.t.Context(), e)
	if !eventually(func() bool { return strings.Contains(s.read("state.yaml"), fmt.Sprint("delivery: ", d.ID)) }) {
		s.t.Fatalf("the delivery was not read\n%s", s.story())
	}
}

var suitesAsked = apptest.Filter{Kind: apptest.REST, Method: http.MethodGet, Path: "/repos/*/*/check-suites/*"}

// TestARedCheckIsRunAgainByTheDeliveryLogAlone: failed with log and annotation, not for who may not write, green for who
// may; replays do nothing.
func TestARedCheckIsRunAgainByTheDeliveryLogAlone(t *testing.T) {
	s := newCheckScene(t)
	agent := s.start(s.checked(`
test -e $PLACE/good && exit 0
echo "::error file=README.md,line=1::broken by $SECRET"
printf 'it is s3cr3'; sleep 0.1; echo 't/of+the=shop'
echo "$SECRET" | base64; echo 's3cr3t%2Fof%2Bthe%3Dshop'
echo "the last line"; exit 3`)...)
	red := s.awaitChecks(s.first, "failure")[0]
	if red.Name != "kitops/shop" || !strings.Contains(red.Output.Text, "the last line") || !strings.Contains(red.Output.Title, "work failed with exit code 3") {
		t.Errorf("%+v", red)
	}
	if len(red.Annotations) != 1 || red.Annotations[0].Path != "README.md" || red.Annotations[0].Message != "broken by ***" {
		t.Errorf("%+v", red.Annotations)
	}
	if len(s.statuses(s.first)) > 0 {
		t.Errorf("statuses, too: %v", s.said(s.first))
	}
	if suites := s.shop.CheckSuites(s.first); len(suites) != 1 || suites[0].Status != "completed" {
		t.Errorf("suites %+v", suites)
	}

	s.deliver(s.shop.Rerequest(red, s.bob))
	still := s.awaitChecks(s.first, "failure", "failure")[1]
	if !strings.Contains(still.Output.Summary, "bob may not write") {
		t.Errorf("summary\n%s", still.Output.Summary)
	}
	s.write("good", "")
	again := s.shop.Rerequest(still, s.anna)
	s.deliver(again)
	s.awaitChecks(s.first, "failure", "failure", "success")
	s.Reset()
	for range 3 {
		s.deliver(again)
	}
	s.deliver(s.shop.SuiteEvent("rerequested", still.Suite, s.anna)) // nobody has clicked
	s.deliver(s.shop.SuiteEvent("requested", still.Suite, s.anna))
	s.awaitChecks(s.first, "failure", "failure", "success")
	if n := s.Count(suitesAsked); n > 4 { // one for each
		t.Errorf("%d requests for what was replayed and forged", n)
	}
	s.deliver(s.shop.RerequestSuite(still.Suite, s.anna))
	all := s.awaitChecks(s.first, "failure", "failure", "success", "success")
	agent.stop()
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cr3t/of+the=shop"
	for _, form := range []string{secret, "s3cr3t", base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
		if strings.Contains(string(data), form) {
			t.Errorf("%q was told:\n%s", form, data)
		}
	}
	_ = os.Remove(s.path("secret"))
}

// TestAClickWhileGitHubIsOutOfOrder is heeded when it answers again: the suite would wait for ever.
func TestAClickWhileGitHubIsOutOfOrder(t *testing.T) {
	s := newCheckScene(t)
	agent := s.start(s.checked(`test -e $PLACE/good`)...)
	red := s.awaitChecks(s.first, "failure")[0]
	s.write("good", "")
	fault := s.Inject(suitesAsked, 1, apptest.Fail(http.StatusBadGateway, ""))
	s.deliver(s.shop.Rerequest(red, s.anna))
	s.awaitChecks(s.first, "failure", "success")
	agent.stop()
	if fault.Hits() != 1 || s.count("a click on a check run has no effect") > 0 {
		t.Errorf("%d faults\n%s", fault.Hits(), s.story())
	}
}

// TestAClickOutlivesItsAgent that was killed when it had read of it, and not done it yet.
func TestAClickOutlivesItsAgent(t *testing.T) {
	s := newCheckScene(t)
	args := s.checked(`test -e $PLACE/good`)
	agent := s.start(args...)
	red := s.awaitChecks(s.first, "failure")[0]
	s.write("good", "")
	fault := s.Inject(suitesAsked, 1, apptest.Hang())
	s.app.Deliver(t.Context(), s.shop.Rerequest(red, s.anna))
	s.await("the click is read", func() bool { return fault.Hits() == 1 })
	agent.kill()
	agent = s.start(args...)
	s.awaitChecks(s.first, "failure", "success")
	agent.stop()
}

func TestCancelByAButton(t *testing.T) {
	s := newCheckScene(t)
	agent := s.start(s.checked(`sleep 300`)...)
	going := s.awaitChecks(s.first, "in_progress")[0]
	agent.says("msg=running|action=work", 1)
	s.deliver(s.shop.RequestAction(going, "cancel", s.bob))
	agent.says("may not write to the repository", 1)
	s.deliver(s.shop.RequestAction(going, "reboot", s.anna))
	if got := s.shop.CheckRuns(s.first); got[0].Status != "in_progress" {
		t.Errorf("%+v", got)
	}
	cancel := s.shop.RequestAction(going, "cancel", s.anna)
	s.deliver(cancel)
	ended := s.awaitChecks(s.first, "cancelled")[0]
	wantWords(t, ended.Output.Title, "cancelled by anna")
	s.deliver(cancel)
	agent.stop()
}

// TestAKilledAgentLeavesNoCheckRunInProgress, whatever of its requests was lost before.
func TestAKilledAgentLeavesNoCheckRunInProgress(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]apptest.Filter{
		"nothing lost": {Path: "/none"},
		"making it":    {Method: http.MethodPost, Path: "/repos/*/*/check-runs"},
		"ending it":    {Method: http.MethodPatch, Path: "/repos/*/*/check-runs/*"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCheckScene(t)
			s.Inject(lost, 1, apptest.Cut(0)) // GitHub has it, and nobody knows
			args := s.checked(`test -e $PLACE/good || sleep 300`)
			agent := s.start(args...)
			s.awaitChecks(s.first, "in_progress")
			if !eventually(func() bool { return strings.Contains(s.read("state.yaml"), "group:") }) {
				t.Fatal("it does not run")
			}
			agent.kill()
			s.write("good", "")
			agent = s.start(args...)
			s.awaitChecks(s.first, "cancelled")
			agent.stop()
			_, err := s.command(append([]string{"again", "shop"}, "--state-file", s.path("state.yaml"))...).CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			agent = s.start(args...)
			s.awaitChecks(s.first, "cancelled", "success")
			agent.stop()
		})
	}
}

// TestChecksThatAreNotGranted are commit statuses; the warning comes once.
func TestChecksThatAreNotGranted(t *testing.T) {
	s := newCheckScene(t)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	agent := s.start(s.checked(`true`)...)
	s.awaitStatus(s.first, "success")
	second := s.shop.Push("main", nil)
	s.app.Deliver(t.Context(), s.shop.PushEvent("refs/heads/main", s.first, second))
	s.awaitStatus(second, "success")
	agent.stop()
	if n := s.count("commit statuses instead of check runs"); n != 1 || len(s.shop.CheckRuns(s.first)) > 0 {
		t.Errorf("%d warnings\n%s", n, s.story())
	}
}

// TestDoctorCountsSuitesThatWait in a repository without a task.
func TestDoctorCountsSuitesThatWait(t *testing.T) {
	s := newCheckScene(t)
	other := s.AddRepository("acme", "other", apptest.RepositoryOptions{Private: true})
	other.Push("main", nil)
	out := s.doctor(0, s.checked(`true`)...)
	wantWords(t, out, "the App does not ask for checks:write", "wait for ever in 1 repositories without a task: acme/other", "gh api -X PATCH repos/acme/other/check-suites/preferences")
}

// TestDoctorTellsWhatThePublicReads of the logs of check runs, and of none that stays private.
func TestDoctorTellsWhatThePublicReads(t *testing.T) {
	s := newCheckScene(t)
	s.shop.SetPrivate(false)
	own := s.AddRepository("acme", "own", apptest.RepositoryOptions{Private: true})
	own.Push("main", nil)
	text := "tasks:"
	for name, task := range map[string][2]string{
		"hidden": {s.shop.CloneURL(), "report: check, check_log: tail"},
		"shown":  {s.shop.CloneURL(), "report: check, check_log: public"},
		"silent": {s.shop.CloneURL(), "report: check"},
		"status": {s.shop.CloneURL(), "check_log: public"},
		"own":    {own.CloneURL(), "report: check, check_log: public"},
	} {
		text += fmt.Sprintf("\n  - {name: %s, git: {url: %s}, github: {%s}, actions: [{run: 'true'}]}", name, task[0], task[1])
	}
	out := s.doctor(0, s.tasks(text)...)
	wantWords(t, out,
		"ok    task hidden: its check runs have no log, since the repository is public; github.check_log: public would show it to everybody",
		"warn  task shown: everybody can read the end of what its actions print: the repository is public, and github.check_log, too: github.check_log: tail shows it on private repositories only")
	if n := strings.Count(out, "its check runs have no log") + strings.Count(out, "everybody can read the end"); n != 2 {
		t.Errorf("%d tasks are told of\n%s", n, out)
	}
}
