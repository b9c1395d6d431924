package page_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/status/page"
)

const publicHost = "kitops.example.com"

// hub is a page whose task acme/shop is on a private repository of GitHub, at https://kitops.example.com/agent.
type hub struct {
	*scene
	github *apptest.GitHub
	app    *apptest.App
	shop   *apptest.Repository
	users  map[string]*apptest.Account
}

func openHub(t *testing.T, change func(*page.Options)) *hub {
	t.Helper()
	h := &hub{github: apptest.New(t, apptest.Options{}), users: map[string]*apptest.Account{}}
	h.github.AddOrg("acme")
	h.app = h.github.RegisterApp("acme", "kitops", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read"}, Public: true})
	h.shop = h.github.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true, InMemory: true})
	h.app.Install("acme", nil)
	const callback = "https://" + publicHost + "/agent/login/callback"
	h.app.SetClient("client secret", callback)
	client, err := app.New(app.Options{ID: fmt.Sprint(h.app.ID), Key: app.Key{Literal: secret.New(string(h.app.PrivateKey()))}, APIURL: h.github.APIURL})
	if err != nil {
		t.Fatal(err)
	}
	h.scene = open(t, func(o *page.Options) {
		o.PageURL = "https://" + publicHost + "/agent"
		o.OAuth = &app.OAuth{App: client, Secret: secret.New("client secret"), Redirect: callback}
		o.Repositories = func() map[string]page.Repository {
			return map[string]page.Repository{"acme/shop": {
				Repository: client.Repository("acme", "shop"), ID: h.shop.ID, FullName: "acme/shop", Web: h.github.URL + "/acme/shop",
			}}
		}
		if change != nil {
			change(o)
		}
	})
	h.host = publicHost
	return h
}

// user is a user with a role on the private repository; one of the organization's own is NAME: BASE.
func (h *hub) user(login, role string) *apptest.Account {
	h.t.Helper()
	user := h.github.AddUser(login)
	if name, base, custom := strings.Cut(role, ": "); custom {
		user.SetCustomRole(h.shop, name, base)
	} else {
		user.SetRole(h.shop, role)
	}
	return user
}

// logIn goes by way of GitHub, and returns the last answer.
func (b *browser) logIn(g *apptest.GitHub, user *apptest.Account) answer {
	b.t.Helper()
	g.SignIn(user)
	a := b.get("/agent/login/github?next=/runs")
	return b.goOn(a.header.Get("Location"))
}

// goOn follows the redirect to GitHub, agrees there, and comes back.
func (b *browser) goOn(address string) answer {
	b.t.Helper()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	asked, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := stay.PostForm(asked.Scheme+"://"+asked.Host+asked.Path, asked.Query())
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		b.t.Fatalf("%s: %d %v", address, resp.StatusCode, err)
	}
	return b.get(back.RequestURI())
}

// as is a browser of one of the visitors of rights.
func (h *hub) as(who string) *browser {
	h.t.Helper()
	switch who {
	case "nobody":
		return h.browser()
	case "local":
		return h.local()
	}
	if h.users[who] == nil {
		role := map[string]string{"reader": "read", "writer": "write"}[who]
		h.users[who] = h.user(who, role)
	}
	b := h.browser()
	b.logIn(h.github, h.users[who])
	return b
}

func TestLoginWithGitHub(t *testing.T) {
	t.Parallel()
	h := openHub(t, nil)
	b := h.browser()
	a := b.logIn(h.github, h.user("anna", "read"))
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/agent/runs" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	c := b.cookies["__Secure-kitops"]
	if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/agent/" || c.Domain != "" || len(b.cookies) != 1 {
		t.Errorf("%+v", b.cookies)
	}
	if n := h.github.UserTokens(); n != 0 {
		t.Errorf("%d tokens of users are still good", n)
	}
	for _, path := range []string{"/agent/", "/"} { // whether the proxy keeps the path or not
		if a := b.get(path); a.status != http.StatusOK || !strings.Contains(a.body, "@anna") || !strings.Contains(a.body, `href="/agent/task?name=acme%2fshop"`) || strings.Contains(a.body, "blog") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := b.post("/agent/logout", nil); a.status != http.StatusSeeOther {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.cookies["__Secure-kitops"] = c // as a thief would
	if a := b.get("/agent/"); a.status != http.StatusSeeOther {
		t.Errorf("after logging out: %d", a.status)
	}
}

// TestLoginsThatAreNotBegunHere has others' codes, states and addresses.
func TestLoginsThatAreNotBegunHere(t *testing.T) {
	t.Parallel()
	h := openHub(t, nil)
	anna := h.user("anna", "read")
	h.github.SignIn(anna)
	other := h.browser()
	stay := func(b *browser, path string, status int) {
		t.Helper()
		if a := b.get(path); a.status != status || b.cookies["__Secure-kitops"] != nil {
			t.Errorf("%s: %d %v", path, a.status, b.cookies)
		}
	}
	begun := other.get("/agent/login/github").header.Get("Location")
	asked, err := url.Parse(begun)
	if err != nil || asked.Query().Get("code_challenge_method") != "S256" || asked.Query().Get("state") == "" {
		t.Fatal(begun, err)
	}
	state := asked.Query().Get("state")
	stay(h.browser(), "/agent/login/callback?code=x&state="+state, 403) // login CSRF: another browser's
	b := h.browser()
	b.get("/agent/login/github")
	stay(b, "/agent/login/callback?code=x&state="+state, 403)
	stay(b, "/agent/login/callback?code=x&state=", 403) // and once only
	stay(other, "/agent/login/callback?code=x&state="+state, 403)
	stay(h.browser(), "/agent/login/callback", 403)
	for _, next := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"} {
		b := h.browser()
		a := b.goOn(b.get("/agent/login/github?next=" + url.QueryEscape(next)).header.Get("Location"))
		if where := a.header.Get("Location"); where != "/agent/" {
			t.Errorf("%s: %s", next, where)
		}
	}
}

// TestGitHubAnswersBadly has a login fail for what is wrong at GitHub.
func TestGitHubAnswersBadly(t *testing.T) {
	t.Parallel()
	h := openHub(t, nil)
	anna := h.user("anna", "read")
	h.app.SetClient("another secret", "https://"+publicHost+"/agent/login/callback")
	b := h.browser()
	if a := b.logIn(h.github, anna); a.status != http.StatusBadGateway || b.cookies["__Secure-kitops"] != nil || strings.Contains(a.body, "secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if log := h.logged(); !strings.Contains(log, "client secret of App") || strings.Contains(log, "another secret") {
		t.Errorf("%s", log)
	}
}

// TestWhoSeesWhat has each kind of user of GitHub look at a private and at a public repository.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, role      string
		private, public bool // what is seen of a private one, of a public one
		orders          int
	}{
		{"stranger", "", false, false, 404},
		{"reader", "read", true, false, 403},
		{"triager", "triage", true, false, 403},
		{"auditor", "admin of audits: read", true, false, 403},
		{"deployer", "reader who deploys: write", true, true, 303},
		{"writer", "write", true, true, 303},
		{"maintainer", "maintain", true, true, 303},
		{"admin", "admin", true, true, 303},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := openHub(t, nil)
			h.ran("r0", "acme/shop", "what it printed\n")
			for _, private := range []bool{true, false} {
				h.shop.SetPrivate(private)
				b := h.browser()
				b.logIn(h.github, h.user(fmt.Sprintf("%s-%t", c.name, private), c.role))
				sees := c.private && private || c.public && !private
				if a := b.get("/agent/"); strings.Contains(a.body, "acme/shop") != sees || a.status != 200 {
					t.Errorf("private %t: %d %s", private, a.status, a.body)
				}
				status := 404
				if sees {
					status = 200
				}
				if a := b.get("/agent/runs/r0"); a.status != status {
					t.Errorf("private %t: %d %s", private, a.status, a.body)
				}
				status = 404
				if sees {
					status = c.orders
				}
				if a := b.post("/agent/orders", url.Values{"task": {"acme/shop"}, "order": {"pause"}}); a.status != status {
					t.Errorf("private %t: an order: %d %s", private, a.status, a.body)
				}
			}
		})
	}
}

func TestPublicRepositoriesAreForEverybodyWithPagePublic(t *testing.T) {
	t.Parallel()
	h := openHub(t, func(o *page.Options) { o.PagePublic = true })
	h.shop.SetPrivate(false)
	b := h.browser()
	b.logIn(h.github, h.user("stranger", ""))
	if a := b.get("/agent/"); !strings.Contains(a.body, "acme/shop") {
		t.Errorf("%s", a.body)
	}
	if a := b.post("/agent/orders", url.Values{"task": {"acme/shop"}, "order": {"pause"}}); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.shop.SetPrivate(true)
	h.server.ForgetWhatIsPublic()
	if a := b.get("/agent/"); strings.Contains(a.body, "acme/shop") {
		t.Errorf("%s", a.body)
	}
}

// TestAnOrderAsksGitHubAtThatMoment takes rights away after the login, renames the user, and lets another take the name.
func TestAnOrderAsksGitHubAtThatMoment(t *testing.T) {
	t.Parallel()
	h := openHub(t, nil)
	anna := h.user("anna", "write")
	b := h.browser()
	b.logIn(h.github, anna)
	order := func(status int) {
		t.Helper()
		if a := b.post("/agent/orders", url.Values{"task": {"acme/shop"}, "order": {"pause"}}); a.status != status {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	order(303)
	if by := h.people[0]; by.ID != anna.ID || by.Login != "anna" { // who is asked about once more as a run starts
		t.Errorf("%+v", by)
	}
	h.local().post("/agent/orders", url.Values{"task": {"acme/shop"}, "order": {"pause"}})
	if by := h.people[1]; by.ID != 0 {
		t.Errorf("the local user is %+v", by)
	}
	anna.SetRole(h.shop, "read")
	order(403)
	anna.SetRole(h.shop, "write")
	order(303)
	anna.Rename("anna-2")
	h.user("anna", "admin")
	order(403)
	h.github.Inject(apptest.Filter{Kind: apptest.REST}, 0, apptest.Fail(503, "down"))
	order(503)
}
