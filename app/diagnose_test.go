package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func print(checks []app.Check) string {
	var b strings.Builder
	for _, c := range checks {
		b.WriteString(strings.Join([]string{string(c.Level), c.Text, c.Remedy}, " | ") + "\n")
	}
	return b.String()
}

func TestDiagnose(t *testing.T) {
	refs := []string{"refs/heads/main", "HEAD", "refs/heads/release/*", "!refs/heads/x", "refs/heads/none"}
	cases := map[string]struct {
		change  func(*scene)
		app     []string
		shop    []string
		healthy bool
	}{
		"all well": {
			func(*scene) {},
			[]string{`ok | App`, `is "Kit Ops"`, "clock is 0 s", "asks for all"},
			[]string{"ok | the App's installation on acme reaches acme/shop", "grants all", "main is at", "the default branch is at", "can poll release/*", "FAIL | acme/shop has no branch none | push it"},
			true,
		},
		"clock": {
			func(s *scene) { s.Advance(150 * time.Second) },
			[]string{"warn | this host's clock is 1", " s off GitHub's", "time synchronisation"},
			[]string{"main is at"},
			true,
		},
		"suspended":    {func(s *scene) { s.installation.Suspend() }, []string{"asks for all"}, []string{"FAIL | the App's installation on acme is suspended | unsuspend it at http"}, false},
		"not covered":  {func(s *scene) { s.installation.Uninstall() }, []string{"asks for all"}, []string{"FAIL | the GitHub App does not reach", "/apps/kit-ops/installations/new"}, false},
		"no statuses":  {func(s *scene) { s.installation.SetPermissions(apptest.Permissions{"contents": "read"}) }, []string{"asks for all"}, []string{"warn | the App's installation on acme does not grant statuses:write | accept", "main is at"}, true},
		"no contents":  {func(s *scene) { s.installation.SetPermissions(nil) }, []string{"asks for all"}, []string{"FAIL | the App's installation on acme does not grant contents:read, statuses:write | accept"}, false},
		"App deleted":  {func(s *scene) { s.github.Delete() }, []string{"FAIL | GitHub knows no App"}, []string{"FAIL | GitHub knows no App"}, false},
		"wrong key":    {func(s *scene) { s.github.RotateKey() }, []string{"FAIL | the private key", "does not belong"}, []string{"FAIL | the private key"}, false},
		"API is down":  {func(s *scene) { s.Inject(apptest.Filter{}, 0, apptest.Fail(503, "")) }, []string{"FAIL | App", "503"}, []string{"FAIL | acme/shop", "503"}, false},
		"moved":        {func(s *scene) { s.AddOrg("other"); s.github.Install("other", nil); s.shop.Transfer("other") }, nil, []string{"FAIL | acme/shop belongs to other now | if that is right"}, false},
		"public":       {func(s *scene) { s.installation.Uninstall(); s.shop.SetPrivate(false) }, nil, []string{"warn | the GitHub App does not reach the repository acme/shop, so it is read without credentials"}, false},
		"empty branch": {func(s *scene) { s.shop.SetHead("main", "") }, nil, []string{"warn | acme/shop has no commits yet"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			c.change(s)
			common, own := print(s.app.Diagnose(t.Context())), print(s.repo.Diagnose(t.Context(), refs))
			for _, w := range c.app {
				if !strings.Contains(common, w) {
					t.Errorf("%q not in\n%s", w, common)
				}
			}
			for _, w := range c.shop {
				if !strings.Contains(own, w) {
					t.Errorf("%q not in\n%s", w, own)
				}
			}
			if got := strings.Contains(own, "main is at"); got != c.healthy {
				t.Errorf("main is looked at: %v\n%s", got, own)
			}
			if leak.MatchString(strings.ReplaceAll(common+own, "PRIVATE KEY", "")) {
				t.Error("a secret shows")
			}
		})
	}
}

func TestDiagnoseHook(t *testing.T) {
	all := []string{"push", "create", "delete", "repository"}
	for name, c := range map[string]struct {
		change func(*scene)
		want   []string
	}{
		"all well":     {func(s *scene) { s.github.SetHook("https://kitops.invalid/webhook", all...) }, []string{"ok | the App has a webhook, https://kitops.invalid/webhook", "ok | the App is subscribed"}},
		"no hook":      {func(s *scene) { s.github.SetHook("", all...) }, []string{"warn | the App has no active webhook", "/organizations/acme/settings/apps/kit-ops", "ok | the App is subscribed"}},
		"hook unknown": {func(s *scene) { s.Inject(apptest.Filter{Path: "/app/hook/config"}, 0, apptest.Fail(404, "")) }, []string{"warn | the App has no active webhook"}},
		"no pushes":    {func(s *scene) { s.github.SetHook("https://kitops.invalid/webhook", all[1:]...) }, []string{"warn | the App is not subscribed to the event push"}},
		"few events":   {func(s *scene) { s.github.SetHook("https://kitops.invalid/webhook", "push") }, []string{"warn | the App is not subscribed to the events create, delete, repository"}},
		"App deleted":  {func(s *scene) { s.github.Delete() }, []string{"FAIL | GitHub knows no App"}},
		"API is down":  {func(s *scene) { s.Inject(apptest.Filter{Path: "/app/hook/config"}, 0, apptest.Fail(503, "")) }, []string{"FAIL | the App's webhook cannot be asked about", "503"}},
		"refused": {func(s *scene) {
			s.Inject(apptest.Filter{Path: "/app/hook/config"}, 0, apptest.Fail(403, "no such luck"))
		}, []string{"warn | the App's webhook cannot be asked about", "no such luck"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			c.change(s)
			got := print(s.app.DiagnoseHook(t.Context()))
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q not in\n%s", w, got)
				}
			}
		})
	}
}
