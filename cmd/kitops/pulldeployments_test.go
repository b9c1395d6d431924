//go:build unix

package main

import (
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestDeploymentsOfPullRequests: there are none unless they are asked for; then each open pull request has one in one
// transient environment, which neither another one nor the branch takes the place of, and a closed one has none.
func TestDeploymentsOfPullRequests(t *testing.T) {
	for name, environment := range map[string]string{"not asked for": "", "asked for": "environment: preview"} {
		t.Run(name, func(t *testing.T) {
			s := pullScene(t)
			s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "deployments": "write", "pull_requests": "read"})
			one := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "one", Files: map[string]string{"a": "1"}})
			two := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "two", Files: map[string]string{"b": "1"}})
			args := s.tasks(`tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop.git, branches: [main]}
    on_new: run
    github: {environment: production, environment_url: "https://{sha}.example.com"}
    pull_requests: {base: [main], ` + environment + `}
    actions: [{run: test ! -e broken}]
`)
			agent := s.start(args...)
			s.awaitDeployed(s.first, "success")
			first := one.Head()
			s.awaitStatus(first, "success")
			s.awaitStatus(two.Head(), "success")
			if environment == "" {
				agent.stop()
				if n := len(s.shop.Deployments()); n != 1 {
					t.Errorf("%d deployments", n)
				}
				return
			}
			s.awaitDeployed(first, "success")
			s.awaitDeployed(two.Head(), "success")
			second := one.Push(map[string]string{"a": "2"})
			s.awaitDeployed(second, "success")
			s.awaitDeployed(first, "inactive")
			agent.kill() // what is remembered of them is in the state
			one.Close()
			agent = s.start(args...)
			s.awaitDeployed(second, "inactive")
			broken := two.Push(map[string]string{"broken": "1"})
			s.awaitDeployed(broken, "failure")
			agent.stop()
			for _, d := range s.shop.Deployments() {
				if pull := d.SHA != s.first; d.Transient != pull || pull != (d.Environment == "preview") {
					t.Errorf("%+v", d)
				}
			}
			s.awaitDeployed(s.first, "success")
			s.awaitDeployed(second, "inactive")
		})
	}
}
