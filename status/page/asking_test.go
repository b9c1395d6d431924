package page_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/status/page"
)

// TestUsersCannotUseUpWhatGitHubAllows has one who may read ask and order without end.
func TestUsersCannotUseUpWhatGitHubAllows(t *testing.T) {
	t.Parallel()
	h := openHub(t, func(o *page.Options) { o.PagePublic = true })
	h.shop.SetPrivate(false)
	b := h.browser()
	b.logIn(h.github, h.user("reader", "read"))
	b.get("/agent/")
	before := h.github.Count(apptest.Filter{Kind: apptest.REST})
	for range 40 {
		if a := b.get("/agent/"); !strings.Contains(a.body, "acme/shop") {
			t.Fatalf("%s", a.body)
		}
	}
	if n := h.github.Count(apptest.Filter{Kind: apptest.REST}) - before; n > 10 {
		t.Errorf("40 pages cost %d requests", n)
	}
	answers := map[int]int{}
	for range 60 {
		answers[b.post("/agent/orders", url.Values{"task": {"acme/shop"}, "order": {"pause"}}).status]++
	}
	if n := h.github.Count(apptest.Filter{Kind: apptest.REST}) - before; n > 50 || answers[503] < 20 || answers[403] < 20 {
		t.Errorf("60 orders cost %d requests: %v", n, answers)
	}
}

// TestSessionsAreSmall has a user who reaches much more than tasks are about.
func TestSessionsAreSmall(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sessions")
	h := openHub(t, func(o *page.Options) { o.Sessions = file })
	anna := h.user("anna", "read")
	for i := range 20 {
		anna.SetRole(h.github.AddRepository("acme", fmt.Sprintf("attic-%d", i), apptest.RepositoryOptions{Private: true, InMemory: true}), "read")
	}
	b := h.browser()
	b.logIn(h.github, anna)
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), "acme/shop") || strings.Contains(string(data), "attic") {
		t.Errorf("%s, %v", data, err)
	}
	if a := b.get("/agent/"); !strings.Contains(a.body, "acme/shop") {
		t.Errorf("%s", a.body)
	}
}

// TestASuspendedInstallationKeepsNobodyOut has a user reach an installation of the App elsewhere that was suspended.
func TestASuspendedInstallationKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	h := openHub(t, nil)
	anna := h.user("anna", "read")
	h.github.AddOrg("umbrella")
	anna.SetRole(h.github.AddRepository("umbrella", "lab", apptest.RepositoryOptions{Private: true, InMemory: true}), "read")
	h.app.Install("umbrella", nil).Suspend()
	b := h.browser()
	b.logIn(h.github, anna)
	if a := b.get("/agent/"); !strings.Contains(a.body, "acme/shop") {
		t.Errorf("%d %s", a.status, h.logged())
	}
}
