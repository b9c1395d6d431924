//go:build e2e && unix

package page_test

import (
	"context"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/page"
)

// TestE2EGitHubInABrowser logs in with GitHub as one who may push, as one who may read, and as one who may neither.
func TestE2EGitHubInABrowser(t *testing.T) {
	var target *url.URL
	front := httptest.NewServer(&httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
	}})
	defer front.Close()
	address := front.URL + "/agent"
	h := openHub(t, func(o *page.Options) {
		o.PageURL, o.OAuth.Redirect = address, address+"/login/callback"
	})
	h.app.SetClient("client secret", address+"/login/callback")
	h.api.Standings = func(context.Context) ([]poller.Standing, error) { return standing(), nil }
	var err error
	if target, err = url.Parse(h.url); err != nil {
		t.Fatal(err)
	}
	live := h.begin("live", "acme/shop")
	h.print(live, "building\n")
	b := newTab(t)
	enter := func(login, role string) {
		t.Helper()
		user := h.github.AddUser(login)
		if role != "" {
			user.SetRole(h.shop, role)
		}
		h.github.SignIn(user)
		b.open(address + "/")
		b.says("Log in with GitHub")
		b.follow("Log in with GitHub")
		b.says("Authorize kitops")
		b.press("Authorize kitops")
		b.says("@" + login)
	}
	orders := []struct{ path, button string }{
		{"/task?name=acme%2Fshop", "Poll now"},
		{"/task?name=acme%2Fshop", "Run again"},
		{"/task?name=acme%2Fshop", "Pause"},
		{"/task?name=acme%2Fshop", "Roll back"},
		{"/runs/live", "Cancel"},
	}

	enter("rita", "read")
	b.says("acme/shop")
	for _, o := range orders {
		b.open(address + o.path)
		b.press(o.button)
		b.says("GitHub does not let rita push to acme/shop")
	}
	b.open(address + "/task?name=docs")
	b.says("Not Found")
	if got := h.ordered(); got != "" {
		t.Errorf("who may only read ordered: %s", got)
	}
	b.press("Log out")
	b.says("Log in with GitHub")

	enter("walt", "write")
	b.open(address + "/runs/live")
	b.says("building")
	h.print(live, "linking\n")
	b.says("linking")
	for _, o := range orders {
		b.open(address + o.path)
		b.press(o.button)
		b.says(": ")
		b.says("@walt")
	}
	b.open(address + "/task?name=acme%2Fshop")
	b.fill("Pin", "sha", "8e1f6a2")
	b.press("Pin")
	b.says("pin by @walt")
	for _, want := range []string{"poll acme/shop", "again acme/shop", "pause acme/shop", "rollback acme/shop", "cancel live by @walt", "pin acme/shop"} {
		if got := h.ordered(); !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	b.press("Log out")
	b.says("Log in with GitHub")

	enter("eve", "")
	b.says("There is no task that you may see.")
	b.open(address + "/runs/live")
	b.says("Not Found")
}
