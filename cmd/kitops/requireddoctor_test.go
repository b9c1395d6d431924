//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestDoctorReadsTheRulesOfTheBranch: it says whether what is required before a merge would ever be there.
func TestDoctorReadsTheRulesOfTheBranch(t *testing.T) {
	t.Parallel()
	own := func(s *scene) apptest.Required { return apptest.Required{Context: "kitops/shop", App: s.app.ID} }
	for name, c := range map[string]struct {
		code   int
		demand func(*scene)
		more   []string
		words  []string
	}{
		"nothing": {0, func(*scene) {}, nil, nil},
		"main only": {
			1, func(s *scene) { s.shop.SetRules("main", apptest.Rules{Checks: []apptest.Required{own(s)}}) }, nil,
			[]string{"FAIL  task shop: main requires kitops/shop before a merge, and the task looks at main only"},
		},
		"all is well": {0, func(s *scene) {
			s.shop.SetRules("main", apptest.Rules{Checks: []apptest.Required{own(s), {Context: "ci/other"}}, MergeQueue: true})
		}, []string{"--branch", "**"}, []string{"ok    task shop: main requires kitops/shop before a merge, which this task reports"}},
		"merge queue": {1, func(s *scene) {
			s.shop.SetRules("main", apptest.Rules{Checks: []apptest.Required{own(s)}, MergeQueue: true})
		}, []string{"--branch", "feature/*"}, []string{`FAIL  task shop: main requires kitops/shop before a merge, also in its merge queue`, `add "gh-readonly-queue/main/**" to its branches`}},
		"classic, another App": {
			1, func(s *scene) { s.shop.Protect("main", apptest.Required{Context: "kitops/shop", App: 1}) },
			[]string{"--branch", "**"},
			[]string{"FAIL  task shop: main requires kitops/shop before a merge, from App 1, and this is App "},
		},
		"from anybody": {
			0, func(s *scene) { s.shop.Protect("main", apptest.Required{Context: "kitops/shop"}) },
			[]string{"--branch", "**"},
			[]string{"warn  task shop: main requires kitops/shop before a merge, from anybody"},
		},
		"by nobody": {
			0, func(s *scene) { s.shop.Protect("main", apptest.Required{Context: "kitops/old"}) }, nil,
			[]string{"warn  task shop: main requires kitops/old before a merge, which no task here reports"},
		},
		"others report, too": {
			0, func(s *scene) {
				s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
				other := s.RegisterApp("acme", "Other CI", apptest.AppOptions{Permissions: apptest.Permissions{"checks": "write"}})
				s.shop.AddCheckRun(other, s.first, apptest.CheckRun{Name: "kitops/shop", Status: "completed", Conclusion: "success"})
				s.shop.AddStatus(s.AddUser("mona"), s.first, apptest.Status{State: "success", Context: "kitops/shop"})
			},
			[]string{"--branch", "main", "--github-report", "check"},
			[]string{"warn  task shop: kitops/shop is reported on main by others, too: mona, the App other-ci"},
		},
		"deployments": {0, func(s *scene) {
			s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "deployments": "write", "actions": "read"})
			s.shop.SetRules("main", apptest.Rules{MergeQueue: true, Environments: []string{"production", "staging"}})
			s.shop.SetEnvironment("production", "wait_timer", "required_reviewers")
		}, []string{"--branch", "**", "--github-environment", "production"}, []string{
			"warn  task shop: main requires a deployment to staging before a merge, which no task here makes",
			"warn  task shop: it deploys to production what the merge queue of main only tries",
			"warn  task shop: the environment production has protection rules (required_reviewers, wait_timer)",
		}},
		"not granted": {0, func(*scene) {}, []string{"--github-environment", "production"}, []string{
			"warn  task shop: the App's installation on acme does not grant deployments:write",
			"ok    task shop: whether the environment production has protection rules is not seen without actions: read",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newPromptScene(t, apptest.Options{})
			c.demand(s)
			args := append(s.github(), "--url", s.shop.CloneURL(), "--action", "true")
			if len(c.more) == 0 || c.more[0] != "--branch" {
				args = append(args, "--branch", "main")
			}
			out := s.doctor(c.code, append(args, c.more...)...)
			wantWords(t, out, c.words...)
			if n := strings.Count(out, "before a merge") + strings.Count(out, "only tries"); len(c.words) == 0 && n > 0 {
				t.Errorf("%s", out)
			}
		})
	}
}
