//go:build unix

package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

func TestRenamedRepositoryIsFollowed(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	s.shop.Rename("store")
	second := s.shop.Push("main", map[string]string{"b": "2"})
	s.awaitStatus(second, "success")
	agent.stop()
	third := s.shop.Push("main", map[string]string{"c": "3"})
	s.once(0, s.task(note)...) // a new process knows the old name only
	s.wantRan(s.first, second, third)
	s.wantSaid(third, "pending", "success")
	if n := s.count("a repository was renamed: change the task's address"); n != 1 {
		t.Errorf("the new name is told %d times\n%s", n, s.story())
	}
	wantWords(t, s.read("agent.log"), "address="+s.URL+"/acme/store.git")
}

// TestNameTakenByAnother gives the name to another repository of the same
// owner: nothing of it may run, now and after a restart.
func TestNameTakenByAnother(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := s.task(note)
	agent := s.start(args...)
	s.awaitStatus(s.first, "success")
	s.shop.Rename("store")
	other := s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	evil := other.Push("main", map[string]string{"evil": "yes"})
	agent.says("poll failed.*another repository than the one watched until now", 1)
	agent.stop()
	wantWords(t, s.once(1, args...), "acme/shop is another repository than the one watched until now", fmt.Sprintf("id %d, not %d", other.ID, s.shop.ID))
	s.wantRan(s.first)
	if all := other.Statuses(evil); len(all) > 0 {
		t.Errorf("statuses %v", all)
	}
}

func TestTransferredRepository(t *testing.T) {
	t.Parallel()
	for name, installed := range map[string]bool{"to strangers": false, "to another installation": true} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			s.AddOrg("evil")
			if installed {
				s.app.Install("evil", nil)
			}
			s.once(0, s.task(note)...)
			args := s.task(note)
			s.shop.Transfer("evil")
			s.shop.Push("main", map[string]string{"evil": "yes"})
			out := s.once(1, args...)
			s.wantRan(s.first)
			wantWords(t, out, "acme/shop")
			if installed {
				wantWords(t, out, "belongs to evil now", "change the task's address to "+s.URL+"/evil/shop.git")
			}
		})
	}
}

// TestRenamedOwnerIsFollowed by the next agent, too: the state knows the account by its id. Who takes the name then is not.
func TestRenamedOwnerIsFollowed(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := s.task(note)
	s.once(0, args...)
	s.Account("acme").Rename("umbrella")
	second := s.shop.Push("main", nil)
	wantWords(t, s.once(0, args...), "an account was renamed", "account=umbrella before=acme")
	third := s.shop.Push("main", nil)
	s.once(0, args...) // a third agent, which has never seen the old name
	s.wantRan(s.first, second, third)

	s.AddOrg("acme")
	other := s.AddRepository("acme", "shop", apptest.RepositoryOptions{})
	other.Push("main", map[string]string{"evil": "yes"})
	words := []string{"acme/shop is another repository than the one watched until now", fmt.Sprintf("id %d, not %d", other.ID, s.shop.ID)}
	wantWords(t, s.once(1, args...), words...)
	s.app.Install("acme", nil)
	wantWords(t, s.once(1, args...), words...)
	s.wantRan(s.first, second, third)
}

// TestPublicRepositoryThatIsNoLongerCovered is read as anybody may, as long as it is the same one.
func TestPublicRepositoryThatIsNoLongerCovered(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.SetPrivate(false)
	args := s.task(note)
	s.once(0, args...)
	s.installation.Uninstall()
	second := s.shop.Push("main", nil)
	wantWords(t, s.once(0, args...), "it is read anonymously, without commit statuses")
	s.wantRan(s.first, second)

	s.shop.Push("main", nil)
	limit := s.Inject(apptest.Filter{Path: "/repos/acme/shop", Auth: apptest.Anonymous}, 0, apptest.Fail(http.StatusForbidden, "API rate limit exceeded", "X-RateLimit-Remaining", "0"))
	wantWords(t, s.once(1, args...), "rate limit for requests without credentials")
	limit.Lift()
	down := s.Inject(apptest.Filter{Path: "/repos/acme/shop", Auth: apptest.Anonymous}, 0, apptest.Fail(http.StatusBadGateway, "unicorn"))
	wantWords(t, s.once(1, args...), "who has the name now cannot be told")
	down.Lift()
	s.shop.Delete()
	s.AddRepository("acme", "shop", apptest.RepositoryOptions{}).Push("main", nil)
	wantWords(t, s.once(1, args...), "acme/shop is another repository than the one watched until now")
	s.wantRan(s.first, second)
}

// TestReposOfStrangers are public ones that the App does not cover.
func TestReposOfStrangers(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddOrg("free")
	lib := s.AddRepository("free", "lib", apptest.RepositoryOptions{})
	sha := lib.Push("main", nil)
	args := append(s.github(), "--url", lib.CloneURL(), "--branch", "main", "--action", note, "--environment", "PLACE="+s.dir)
	agent := s.start(args...)
	agent.says("outcome=success", 1)
	second := lib.Push("main", nil)
	agent.says("outcome=success", 2)
	agent.stop()
	s.wantRan(sha, second)
	if n := s.count("it is read anonymously, without commit statuses"); n != 1 {
		t.Errorf("warned %d times\n%s", n, s.story())
	}
	if all := append(lib.Statuses(sha), lib.Statuses(second)...); len(all) > 0 {
		t.Errorf("statuses %v", all)
	}
	if n := s.Count(apptest.Filter{Kind: apptest.Git, Auth: apptest.AsInstallation}); n > 0 {
		t.Errorf("%d requests to git with a token", n)
	}
	wantWords(t, s.once(1, s.tasks(`
tasks:
  - {name: lib, git: {url: $GITHUB/free/lib, branch: main}, github: {}, actions: [{run: 'true'}]}
`)...), "the GitHub App does not reach the repository free/lib", "install the App on free at")
}

// TestWhatAHumanMustMend has one error for each fault, that says how to mend
// it; once it is mended everything goes on.
func TestWhatAHumanMustMend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil, mend func(*scene)
		words       []string
	}{
		"suspended": {
			func(s *scene) { s.installation.Suspend() }, func(s *scene) { s.installation.Unsuspend() },
			[]string{"the App's installation on acme is suspended", "unsuspend it at "},
		},
		"removed": {
			func(s *scene) { s.installation.Uninstall() }, func(s *scene) { s.app.Install("acme", nil) },
			[]string{"the GitHub App does not reach the repository acme/shop", "install the App on acme at "},
		},
		"not selected": {
			func(s *scene) {
				s.installation.SetRepositories(s.AddRepository("acme", "other", apptest.RepositoryOptions{InMemory: true}))
			},
			func(s *scene) { s.installation.SetRepositories() },
			[]string{"the GitHub App does not reach the repository acme/shop", "select it at "},
		},
		"contents": {
			func(s *scene) { s.installation.SetPermissions(apptest.Permissions{"statuses": "write"}) },
			func(s *scene) {
				s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
			},
			[]string{"does not grant contents:read", "accept the change at "},
		},
		"another key": {
			func(s *scene) {
				other := s.RegisterApp("acme", "Other", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read"}})
				s.write("key.pem", string(other.PrivateKey()))
			},
			func(s *scene) { s.write("key.pem", string(s.app.PrivateKeyPKCS8())) },
			[]string{"does not belong to App ", "settings page"},
		},
		"deleted": {
			func(s *scene) { s.app.Delete() }, nil,
			[]string{"GitHub knows no App ", "it was deleted, or the ID is wrong"},
		},
		"repository deleted": {
			func(s *scene) { s.shop.Delete() }, nil,
			[]string{"the GitHub App does not reach the repository acme/shop", "correct its address"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			args := s.task(note)
			c.spoil(s)
			wantWords(t, s.once(1, args...), c.words...)
			wantWords(t, s.ends(1, append([]string{"doctor"}, slices.Concat(args, s.memory())...)...), append([]string{"FAIL"}, c.words...)...)
			s.wantRan()
			if c.mend == nil {
				return
			}
			c.mend(s)
			s.once(0, args...)
			s.wantRan(s.first)
			s.wantSaid(s.first, "pending", "success")
		})
	}
}

// TestPermissionTakenAndGivenBack does it while kitops runs, which asks again
// by itself.
func TestPermissionTakenAndGivenBack(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	s.installation.SetPermissions(apptest.Permissions{"statuses": "write"})
	second := s.shop.Push("main", nil)
	agent.says("poll failed.*does not grant contents:read", 1)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	s.awaitStatus(second, "success")
	agent.says("poll works again", 1)
	agent.stop()
	s.wantRan(s.first, second)
}

func TestStatusesTakenAway(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
	for n := 2; n < 5; n++ {
		s.shop.Push("main", nil)
		agent.says("outcome=success", n)
	}
	agent.says("no commit statuses: the GitHub App lacks a permission", 1)
	agent.stop()
	if n := s.count("no commit statuses: the GitHub App lacks a permission"); n != 1 {
		t.Errorf("warned %d times\n%s", n, s.story())
	}
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	last := s.shop.Push("main", nil)
	agent = s.start(s.task(note)...)
	s.awaitStatus(last, "success")
	agent.stop()
	if n := len(s.ran()); n != 5 {
		t.Errorf("%d runs\n%s", n, s.story())
	}
}

func TestClocksApart(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			s.Advance(skew)
			wantWords(t, s.once(0, s.task(note)...), "this host's clock is off", "seconds=1", "set up time synchronisation")
			s.wantRan(s.first)
			s.wantSaid(s.first, "pending", "success")
			wantWords(t, s.ends(0, append([]string{"doctor"}, slices.Concat(s.task(note), s.memory())...)...),
				"warn  GitHub App "+s.app.ClientID+": this host's clock is 1", " s off GitHub's")
		})
	}
}

func TestNewKeyWhileRunning(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	s.app.RotateKey()
	s.write("key.pem", string(s.app.PrivateKeyPKCS8()))
	s.installation.RevokeTokens()
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantRan(s.first, second)
	if n := s.count("read a new private key of the App"); n != 1 {
		t.Errorf("told %d times\n%s", n, s.story())
	}
}
