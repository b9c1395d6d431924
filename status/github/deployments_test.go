package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/github"
)

// deploying is a scene whose App may deploy, with what the state remembers.
type deploying struct {
	*scene
	to   *github.Deployments
	note string
	runs int
}

var (
	deploymentPosts = apptest.Filter{Method: http.MethodPost, Path: "/repos/acme/shop/deployments"}
	statePosts      = apptest.Filter{Method: http.MethodPost, Path: "/repos/acme/shop/deployments/*/statuses"}
)

func newDeploying(t *testing.T) *deploying {
	t.Helper()
	s := newScene(t)
	s.app.Want(map[string]string{"deployments": "write"})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "deployments": "write"})
	s.shop.FillStatuses(s.sha, "ci/other", 1) // which is pending
	return &deploying{scene: s, to: &github.Deployments{
		Find: s.reporter.Find, LogURL: s.reporter.Target, Log: s.reporter.Log,
		URL: func(string) string { return "https://shop.example.com/{ref}" },
	}}
}

// run is one that has begun.
func (d *deploying) run(sha string) poller.Report {
	d.runs++
	r := d.report(poller.Pending)
	r.Run.ID, r.Run.Revision, r.Run.Attempt, r.To = fmt.Sprintf("run-%d", d.runs), git.Revision{Ref: "refs/heads/main", SHA: sha}, 1, poller.DeployTo("production")
	return r
}

// tell delivers a report until it is taken.
func (d *deploying) tell(r poller.Report, outcome poller.Outcome) {
	d.t.Helper()
	r.Run.Outcome, r.Note = outcome, &d.note
	if outcome == poller.Success {
		r.Run.Action, r.Run.Reason = "", ""
	}
	for tries := 1; d.to.Report(d.t.Context(), r) != nil; tries++ {
		if r.Doubtful = true; tries == 10 {
			d.t.Fatal("never taken", d.log)
		}
	}
}

// want fails the test unless these are the deployments: the first letters of their SHAs, and their states.
func (d *deploying) want(deployments ...string) {
	d.t.Helper()
	var got []string
	for _, one := range d.shop.Deployments() {
		var states []string
		for _, s := range one.States {
			states = append(states, s.State)
		}
		got = append(got, one.SHA[:4]+" "+strings.Join(states, " "))
	}
	if !slices.Equal(got, deployments) {
		d.t.Errorf("deployments\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(deployments, "\n"), d.log)
	}
}

// TestDeployments: one for each revision, whatever its retries; the former one becomes inactive when the next one is there; to roll
// back is one more.
func TestDeployments(t *testing.T) {
	d := newDeploying(t)
	d.shop.FillDeployments(d.sha, "production", 500) // of others, who are left alone
	others := make([]string, 500)
	for i := range others {
		others[i] = d.sha[:4] + " success"
	}
	first, second := d.sha, d.shop.Push("main", map[string]string{"b": "2"})
	one, two := first[:4], second[:4]
	r := d.run(first)
	d.tell(r, poller.Pending)
	d.want(append(others, one+" in_progress")...)
	d.tell(r, poller.Success)
	made := d.shop.Deployments()[500]
	if !strings.Contains(made.Payload, `"kitops_run":"run-1"`) || made.Environment != "production" || made.States[1].EnvironmentURL != "https://shop.example.com/main" ||
		!strings.HasPrefix(made.States[1].LogURL, "https://ci.example.com/") || !strings.Contains(made.States[1].Description, "succeeded in 1s") {
		t.Errorf("%+v", made)
	}
	r = d.run(second)
	d.tell(r, poller.Pending)
	d.tell(r, poller.Failure)
	d.want(append(others, one+" in_progress success", two+" in_progress failure")...)
	r = d.run(second)
	r.Run.Attempt = 2
	d.tell(r, poller.Failure) // which is no news
	r = d.run(second)
	r.Run.Attempt = 3
	before := d.Count(apptest.Filter{})
	d.tell(r, poller.Success)
	if n := d.Count(apptest.Filter{}) - before; n != 2 {
		t.Errorf("%d requests", n)
	}
	d.want(append(others, one+" in_progress success inactive", two+" in_progress failure success")...)
	d.tell(d.run(first), poller.Success) // back
	d.want(append(others, one+" in_progress success inactive", two+" in_progress failure success inactive", one+" success")...)
	if d.log.Len() > 0 {
		t.Error(d.log)
	}
}

// TestDeploymentsAfterLostAnswers: what GitHub has done already is found again, also by who has no memory of it.
func TestDeploymentsAfterLostAnswers(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]apptest.Effect{"lost": apptest.Cut(0), "outage": apptest.Fail(http.StatusServiceUnavailable, "")} {
		for step, posts := range map[string]apptest.Filter{"make": deploymentPosts, "state": statePosts} {
			for _, forgets := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", step, " ", forgets), func(t *testing.T) {
					t.Parallel()
					d := newDeploying(t)
					d.tell(d.run(d.sha), poller.Success)
					second := d.shop.Push("main", map[string]string{"b": "2"})
					for range 2 { // of the states, that of the new one and that of the former one
						d.Inject(posts, 1, effect)
						r := d.run(second)
						r.Run.Outcome, r.Note = poller.Success, new(string)
						*r.Note = d.note
						if err := d.to.Report(t.Context(), r); err == nil {
							t.Fatal("taken")
						}
						if !forgets {
							d.note = *r.Note
						}
						r.Doubtful = true
						d.tell(r, poller.Success)
						d.Inject(statePosts, 1, func(w http.ResponseWriter, r *http.Request, next http.Handler, _ <-chan struct{}) {
							next.ServeHTTP(w, r)
						})
					}
					d.want(d.sha[:4]+" success inactive", second[:4]+" success inactive", second[:4]+" success")
				})
			}
		}
	}
}

// TestDeploymentsNeedAPermission: without it one warning is all, and they begin when it is granted.
func TestDeploymentsNeedAPermission(t *testing.T) {
	d := newDeploying(t)
	d.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	r := d.run(d.sha)
	d.tell(r, poller.Pending)
	d.tell(r, poller.Success)
	d.wantLogged("no deployments: the GitHub App lacks a permission", 1)
	d.wantLogged("deployments:write", 1)
	if d.Count(deploymentPosts) > 0 {
		t.Error("asked without it")
	}
	d.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "deployments": "write"})
	d.app.Outdated("acme")
	d.tell(d.run(d.sha), poller.Success)
	d.want(d.sha[:4] + " success")
}

// TestAddressOfAnEnvironment: whatever a branch is called, its name is only a part of the path, and an address that GitHub would not take is left out.
func TestAddressOfAnEnvironment(t *testing.T) {
	d := newDeploying(t)
	r := d.run(d.sha)
	r.Run.Revision.Ref = "refs/heads/a/../b?x=<y>#z"
	d.tell(r, poller.Success)
	r = d.run(d.sha)
	r.Run.Revision.Ref = "refs/heads/" + strings.Repeat("a", 250)
	d.tell(r, poller.Success)
	all := d.shop.Deployments()
	if len(all) != 2 || all[0].States[0].EnvironmentURL != "https://shop.example.com/a%2F..%2Fb%3Fx%3D%3Cy%3E%23z" || all[1].States[0].EnvironmentURL != "" {
		t.Errorf("%+v", all)
	}
	d.wantLogged("without its environment_url", 1)
	for _, bad := range []string{"shop.example.com", "ftp://shop.example.com", "https://user:secret@shop.example.com", "https://" + strings.Repeat("a", 300)} {
		if github.CheckEnvironmentURL(bad) == nil {
			t.Error(bad)
		}
	}
}
