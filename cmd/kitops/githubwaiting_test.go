//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// waitingCheck is a task whose heads wait, with its rules in MORE; where waits/SHA exists its action waits until that is gone.
const waitingCheck = `
tasks:
  - name: shop
    git: {url: URL, branches: [main, 'side*', 'gh-readonly-queue/**']}
    on_new: run
    interval: 200ms
    github: {report: check, check_log: tail}
    MORE
    actions:
      - name: work
        run: 'echo "::warning file=README.md,line=1::look here"; echo ran >> $PLACE/log/$KITOPS_SHA; while test -e $PLACE/waits/$KITOPS_SHA; do sleep 0.05; done; test ! -e $PLACE/broken/$KITOPS_SHA'
        environment: {PLACE: DIR}
`

// waiting are the flags for such a task.
func (s *checkScene) waiting(more string) []string {
	for _, dir := range []string{"log", "waits", "broken"} {
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	text := strings.NewReplacer("URL", s.shop.CloneURL(), "MORE", more, "DIR", s.dir, "$", "${DOLLAR}").Replace(waitingCheck)
	return append(s.tasks(text), "--deliveries-interval", "100ms")
}

func (s *checkScene) mark(what, sha string) { s.write(filepath.Join(what, sha), "") }

func (s *checkScene) unmark(what, sha string) {
	if err := os.Remove(s.path(filepath.Join(what, sha))); err != nil {
		s.t.Error(err)
	}
}

// runs is how often the action has run on a commit.
func (s *checkScene) runs(sha string) int { return strings.Count(s.read("log/"+sha), "ran") }

// push moves a branch, and has GitHub tell of that.
func (s *checkScene) push(branch string) string {
	s.t.Helper()
	sha := s.shop.Push(branch, map[string]string{branch: fmt.Sprint(len(s.shop.CheckRuns(s.first)))})
	s.app.Deliver(s.t.Context(), s.shop.PushEvent("refs/heads/"+branch, s.first, sha))
	return sha
}

// TestApproveByAButton: nothing runs before, nor for who may not write, nor for another commit; then once, by a new check run.
func TestApproveByAButton(t *testing.T) {
	s := newCheckScene(t)
	agent := s.start(s.waiting("approve: each")...)
	asked := s.awaitChecks(s.first, "action_required")[0]
	wantWords(t, asked.Output.Title, "waits for approval of "+s.first[:7])
	if len(asked.Actions) != 1 || asked.Actions[0].Identifier != "approve" {
		t.Errorf("%+v", asked.Actions)
	}
	s.deliver(s.shop.RequestAction(asked, "approve", s.bob))
	agent.says("who clicked may not write to the repository", 1)
	s.deliver(s.shop.RequestAction(asked, "cancel", s.anna))
	s.deliver(s.shop.RequestAction(asked, "approved", s.anna))
	if n := s.runs(s.first); n > 0 {
		t.Errorf("ran %d times", n)
	}
	again := s.shop.Rerequest(asked, s.anna) // is no approval
	s.deliver(again)
	asked = s.awaitChecks(s.first, "action_required", "action_required")[1]
	wantWords(t, asked.Output.Summary, "Not run again: it waits for approval")
	if suites := s.shop.CheckSuites(s.first); suites[0].Status != "completed" {
		t.Errorf("%+v", suites)
	}
	approve := s.shop.RequestAction(asked, "approve", s.anna)
	s.deliver(approve)
	s.awaitChecks(s.first, "action_required", "action_required", "success")
	agent.says("approved by anna", 1)

	second := s.push("main")
	waits := s.awaitChecks(second, "action_required")[0]
	s.deliver(approve)
	s.deliver(s.shop.RequestAction(s.shop.CheckRuns(s.first)[2], "approve", s.anna))
	third := s.push("main")
	s.awaitChecks(third, "action_required")
	ended := s.awaitChecks(second, "cancelled")[0]
	wantWords(t, ended.Output.Title, "superseded by "+third[:7])
	s.deliver(s.shop.RequestAction(waits, "approve", s.anna))
	agent.stop()
	if s.runs(s.first) != 1 || s.runs(second)+s.runs(third) > 0 {
		t.Errorf("ran %d, %d, %d times\n%s", s.runs(s.first), s.runs(second), s.runs(third), s.story())
	}
}

// TestACheckRunIsQueuedWhileItsRunWaits for the slot, and is that of the run then; it is over when its branch is gone. Each
// time that a merge queue has the same commit it has a check run that comes to its end.
func TestACheckRunIsQueuedWhileItsRunWaits(t *testing.T) {
	s := newCheckScene(t)
	args := append(s.waiting("parallel: 2"), "--max-parallel", "1")
	s.mark("waits", s.first)
	agent := s.start(args...)
	s.awaitChecks(s.first, "in_progress")
	side := s.push("side")
	queued := s.awaitChecks(side, "queued")[0]
	wantWords(t, queued.Output.Title, "waiting for a slot")
	agent.kill() // at a bad moment
	agent = s.start(args...)
	s.awaitChecks(side, "success")
	s.awaitChecks(s.first, "cancelled", "in_progress")
	side = s.push("side2")
	s.awaitChecks(side, "queued")
	s.shop.SetHead("side2", "")
	gone := s.awaitChecks(side, "cancelled")[0]
	wantWords(t, gone.Output.Title, "side2 is gone")
	s.unmark("waits", s.first)
	s.awaitChecks(s.first, "cancelled", "success")
	s.shop.SetHead("gh-readonly-queue/main/pr-7", side)
	s.awaitChecks(side, "cancelled", "success")
	s.shop.SetHead("gh-readonly-queue/main/pr-7", "")
	agent.says("no longer watched, forgotten.* ref=refs/heads/gh-readonly-queue/main/pr-7", 1)
	s.shop.SetHead("gh-readonly-queue/main/pr-7", side)
	s.awaitChecks(side, "cancelled", "success", "success")
	agent.stop()
}

// TestWhatIsPausedSaysSo: as a commit status, and as a check run.
func TestWhatIsPausedSaysSo(t *testing.T) {
	s := newCheckScene(t)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	agent := s.start(s.waiting("approve: none")...)
	s.awaitStatus(s.first, "success")
	s.order("pause", "shop", "--reason", "freeze")
	second := s.push("main")
	s.await("the reason", func() bool {
		all := s.statuses(second)
		return len(all) == 1 && all[0].State == "pending" && strings.HasPrefix(all[0].Description, "shop: paused by ") && strings.HasSuffix(all[0].Description, ": freeze")
	})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	agent.stop()
	agent = s.start(s.waiting("approve: none")...)
	third := s.push("main")
	wantWords(t, s.awaitChecks(third, "queued")[0].Output.Title, ": freeze")
	s.awaitStatus(second, "failure")
	s.order("resume", "shop")
	s.awaitChecks(third, "success")
	agent.stop()
	s.wantSaid(second, "pending", "failure")
}

// order gives an order as a person does.
func (s *checkScene) order(args ...string) {
	s.t.Helper()
	if out, err := s.command(append(args, "--state-file", s.path("state.yaml"))...).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// TestARerunThatIsRefusedKeepsWhatTheCheckRunHas: its log and its annotations, also after a restart, and of a commit that no
// branch is at any more.
func TestARerunThatIsRefusedKeepsWhatTheCheckRunHas(t *testing.T) {
	s := newCheckScene(t)
	args := s.waiting("retry: off")
	s.mark("broken", s.first)
	agent := s.start(args...)
	red := s.awaitChecks(s.first, "failure")[0]
	same := func(n int, words string) apptest.CheckRun {
		t.Helper()
		var want []string
		for range n {
			want = append(want, "failure")
		}
		last := s.awaitChecks(s.first, want...)[n-1]
		wantWords(t, last.Output.Summary, words)
		if last.Output.Text != red.Output.Text || !strings.Contains(red.Output.Text, "look here") || last.Output.Title != red.Output.Title || !slices.Equal(last.Annotations, red.Annotations) || len(red.Annotations) != 1 {
			t.Errorf("first %+v\nlast %+v", red, last)
		}
		if suites := s.shop.CheckSuites(s.first); suites[0].Status != "completed" {
			t.Errorf("%+v", suites)
		}
		return last
	}
	s.deliver(s.shop.Rerequest(red, s.bob))
	same(2, "Not run again: bob may not write")
	s.deliver(s.shop.Rerequest(red, s.anna)) // on its page, which somebody has kept open
	last := same(3, "Not run again: that was an older check run")
	agent.stop()
	s.order("pause", "shop")
	agent = s.start(args...)
	s.deliver(s.shop.Rerequest(last, s.anna))
	last = same(4, "Not run again: it is paused by")
	s.order("resume", "shop")
	second := s.push("main")
	s.awaitChecks(second, "success")
	s.Reset()
	s.deliver(s.shop.Rerequest(last, s.anna))
	last = same(5, "no branch or tag that shop watches is at this commit any more")
	s.deliver(s.shop.RerequestSuite(last.Suite, s.anna))
	same(6, "no branch or tag that shop watches is at this commit any more")
	s.deliver(s.shop.SuiteEvent("rerequested", last.Suite, s.anna)) // nobody has clicked
	s.push("side")
	same(6, "no branch")
	agent.stop()
}

// TestARerunShowsAtOnce although it has to wait: queued, and green in the end.
func TestARerunShowsAtOnce(t *testing.T) {
	s := newCheckScene(t)
	args := append(s.waiting("retry: off\n    parallel: 2"), "--max-parallel", "1")
	s.mark("broken", s.first)
	agent := s.start(args...)
	red := s.awaitChecks(s.first, "failure")[0]
	side := s.shop.Push("side", nil)
	s.mark("waits", side)
	s.app.Deliver(t.Context(), s.shop.PushEvent("refs/heads/side", s.first, side))
	s.awaitChecks(side, "in_progress")
	s.deliver(s.shop.Rerequest(red, s.anna))
	again := s.awaitChecks(s.first, "failure", "queued")[1]
	wantWords(t, again.Output.Title, "to run again, by anna")
	s.unmark("broken", s.first)
	s.unmark("waits", side)
	s.awaitChecks(s.first, "failure", "success")
	agent.stop()
	if n := s.runs(s.first); n != 2 {
		t.Errorf("ran %d times", n)
	}
}
