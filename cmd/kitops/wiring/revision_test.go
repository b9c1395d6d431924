package wiring

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// TestWayOfARevision asks a task what the poller asks it, from the head to the
// report, of a private repository that brings its actions.
func TestWayOfARevision(t *testing.T) {
	ctx := t.Context()
	hub := apptest.New(t, apptest.Options{})
	hub.AddOrg("acme")
	shop := hub.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	sha := shop.Push("main", map[string]string{".kitops.yaml": "actions: [{name: deploy, run: make, github_token: true}]\n"})
	registered := hub.RegisterApp("acme", "Kit Ops", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}, Public: true,
	})
	registered.Install("acme", nil)
	key := filepath.Join(t.TempDir(), "app.pem")
	settingstest.Write(t, key, string(registered.PrivateKey()))

	s, err := checked(t, nil, "--github-app-id", registered.ClientID, "--github-private-key-file", key, "--github-api-url", hub.APIURL,
		"--config-file", settingstest.At(t, "tasks: [{name: shop, git: {url: "+shop.CloneURL()+", branch: main}, config: .kitops.yaml, allow: {github_token: true}}]"))
	if err != nil {
		t.Fatal(err)
	}
	w := New(Process{Executable: "/usr/bin/kitops"}, t.TempDir(), s.Git.MaxSize, s.App.APIURL, slog.New(slog.DiscardHandler))
	tasks, err := w.Make(s)
	if err != nil || len(tasks) != 1 {
		t.Fatal(tasks, err)
	}
	task := tasks[0]

	heads, err := task.Heads(ctx, task.Refs)
	if err != nil || len(heads) != 1 || heads[0] != (git.Revision{Ref: "refs/heads/main", SHA: sha}) {
		t.Fatal(heads, err)
	}
	if id, err := task.Identity(ctx, ""); err != nil || id == "" {
		t.Error(id, err)
	}
	dir := filepath.Join(t.TempDir(), "work")
	if err := task.Checkout(ctx, heads[0], dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".kitops.yaml")); err != nil {
		t.Error(err)
	}
	plan, err := task.Plan(t.Context(), dir, heads[0])
	if err != nil || len(plan.Actions) != 1 || plan.Actions[0].Name != "deploy" {
		t.Fatal(plan, err)
	}
	wantGrant(t, ctx, task, plan.Actions[0])
	if found := w.Find(poller.Report{URL: task.URL, Run: poller.Run{Task: "shop"}}); found == nil || task.ReportTo != "kitops/shop" {
		t.Errorf("reports on %q go to %v", task.ReportTo, found)
	}
}

// wantGrant looks at what an action is lent.
func wantGrant(t *testing.T, ctx context.Context, task poller.Task, action actions.Action) {
	t.Helper()
	granted, err := task.Grant(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	defer granted.Revoke()
	lent := func(prefix string) bool {
		return slices.ContainsFunc(granted.Vars, func(v string) bool { return strings.HasPrefix(v, prefix) })
	}
	if !lent("GITHUB_TOKEN=ghs_") || !lent("GIT_CONFIG_COUNT=") || !lent("GIT_CONFIG_VALUE_1=!'/usr/bin/kitops' credential ") {
		t.Error(strings.ReplaceAll(strings.Join(granted.Vars, "\n"), "ghs_", "***"))
	}
}
