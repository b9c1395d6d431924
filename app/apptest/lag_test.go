package apptest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

const lagging = 10 * time.Second

// Each thing is unknown for as long as its lag says, by GitHub's clock.
func TestWhatIsMadeIsUnknownForAWhile(t *testing.T) {
	statuses := func(s *scene) string { return "/repos/acme/shop/statuses/" + s.sha }
	for name, c := range map[string]struct {
		lag           apptest.Lag
		change        func(*scene)
		ask           func(*scene, string) reply
		before, after int
		words         string
	}{
		"token": {apptest.Lag{Token: lagging}, nil, func(s *scene, token string) reply {
			return s.ask("GET", "/repos/acme/shop", token, "")
		}, 401, 200, "Bad credentials"},
		"commit": {apptest.Lag{Commit: lagging}, func(s *scene) { s.sha = s.shop.Push("main", nil) }, func(s *scene, token string) reply {
			return s.ask("POST", statuses(s), token, `{"state":"success"}`)
		}, 422, 201, "No commit found"},
		"branch": {apptest.Lag{Ref: lagging}, func(s *scene) { s.shop.Push("new", nil) }, func(s *scene, token string) reply {
			return s.ask("GET", "/repos/acme/shop/commits/heads/new", token, "")
		}, 422, 200, "No commit found"},
		"permissions": {apptest.Lag{Permissions: lagging}, func(s *scene) {
			s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
		}, func(s *scene, token string) reply {
			return s.ask("POST", statuses(s), token, `{"state":"success"}`)
		}, 403, 201, "not accessible"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{Lag: c.lag})
			if name == "permissions" {
				s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
			}
			s.Advance(time.Minute)
			token := s.installation.Token(nil)
			if name == "permissions" {
				token = s.asked(t, apptest.Permissions{"contents": "read", "statuses": "write"}, c.change)
			} else if c.change != nil {
				c.change(s)
			}
			c.ask(s, token).want(t, c.before, c.words)
			s.Advance(lagging)
			c.ask(s, token).want(t, c.after, "")
		})
	}
}

// asked makes a token for permissions that are taken away and given again.
func (s *scene) asked(t *testing.T, p apptest.Permissions, change func(*scene)) string {
	t.Helper()
	s.SetLag(apptest.Lag{})
	s.installation.SetPermissions(p)
	token := s.installation.Token(p)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
	s.SetLag(apptest.Lag{Permissions: lagging})
	change(s)
	return token
}

func TestRefsThatLagShowWhatWas(t *testing.T) {
	s := newScene(t, apptest.Options{Lag: apptest.Lag{Ref: lagging, Default: lagging}})
	s.Advance(time.Minute)
	first, token := s.sha, s.installation.Token(nil)
	ask := func(path string) string {
		return s.ask("GET", "/repos/acme/shop"+path, token, "", "Accept", "application/vnd.github.sha").body
	}
	second := s.shop.Push("main", nil)
	s.shop.SetDefaultBranch("trunk")
	for range 2 {
		shown, branch := first, `"default_branch":"main"`
		if s.Now().After(time.Now().Add(time.Minute + lagging/2)) {
			shown, branch = second, `"default_branch":"trunk"`
		}
		for _, path := range []string{"/commits/heads/main", "/git/matching-refs/heads/", "/branches"} {
			if got := ask(path); !strings.Contains(got, shown) {
				t.Errorf("%s: got %.200s, want %s", path, got, shown)
			}
		}
		if got := ask(""); !strings.Contains(got, branch) {
			t.Errorf("no %s in %.100s", branch, got)
		}
		s.Advance(lagging)
	}
}

func TestGitThatLagsHasNothingNewer(t *testing.T) {
	s := newScene(t, apptest.Options{Lag: apptest.Lag{Git: lagging}})
	s.Advance(time.Minute)
	first := s.sha
	second := s.shop.Push("main", nil)
	s.shop.Push("new", nil)
	token := s.installation.Token(nil)
	heads := func() string {
		out, err := s.gitAs(token, "ls-remote", s.shop.CloneURL())
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := heads(); !strings.Contains(got, first) || strings.Contains(got, second) || strings.Contains(got, "heads/new") {
		t.Errorf("heads before: %s", got)
	}
	dir := t.TempDir()
	if out, err := s.gitAs(token, "init", "--quiet", dir); err != nil {
		t.Fatal(out, err)
	}
	if out, err := s.gitAs(token, "-C", dir, "fetch", s.shop.CloneURL(), second); err == nil {
		t.Errorf("it has what it does not show: %s", out)
	}
	s.Advance(lagging)
	if got := heads(); !strings.Contains(got, second) || !strings.Contains(got, "heads/new") {
		t.Errorf("heads after: %s", got)
	}
	if out, err := s.gitAs(token, "-C", dir, "fetch", s.shop.CloneURL(), second); err != nil {
		t.Errorf("it does not have what it shows: %s", out)
	}
	s.SetLag(apptest.Lag{})
	if got := heads(); !strings.Contains(got, second) {
		t.Errorf("heads without a lag: %s", got)
	}
}

func TestStatusesOfFourBytesAreRefused(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	for _, body := range []string{
		`{"state":"success","description":"done 😀"}`, `{"state":"success","context":"kitops/😀"}`, `{"state":"success","target_url":"https://x.example/😀"}`,
	} {
		s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, body).want(t, http.StatusUnprocessableEntity, "above 0xffff")
	}
	s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, `{"state":"success","description":"done ✓"}`).want(t, http.StatusCreated, "")
}

func TestEnterprisesHaveInstallationsWithoutLogin(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddEnterprise("umbrella")
	public := s.RegisterApp("acme", "Everywhere", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read"}, Public: true})
	public.Install("umbrella", nil)
	s.app = public
	all, _, err := s.asApp().Apps.ListInstallations(t.Context(), nil)
	if err != nil || len(all) != 1 || all[0].GetTargetType() != "Enterprise" || all[0].GetAccount().Login != nil || all[0].GetAccount().GetName() != "umbrella" {
		t.Errorf("%+v, %v", all, err)
	}
}

// Accounts keep what they own when they get another name, and a name that is free may be taken by others.
func TestAccountsAreRenamed(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	s.ask("GET", "/repos/acme/shop", token, "").want(t, http.StatusOK, "acme/shop")
	g := s.GitHub
	owner := g.AddOrg("other")
	owner.Rename("another")
	s.Account("acme").Rename("acme2")
	s.ask("GET", "/repos/acme/shop", token, "").want(t, http.StatusMovedPermanently, "/repositories/")
	s.ask("GET", "/repos/acme2/shop", token, "").want(t, http.StatusOK, `"full_name":"acme2/shop"`)
	g.AddOrg("acme")
	g.AddRepository("acme", "shop", apptest.RepositoryOptions{})
	s.ask("GET", "/repos/acme/shop", token, "").want(t, http.StatusOK, `"full_name":"acme/shop"`)
}

func TestFormsAreSignedAsTheyAreSent(t *testing.T) {
	s := newScene(t, apptest.Options{})
	got := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got <- r.Header.Get("Content-Type") + " " + r.PostForm.Get("payload")
	}))
	defer hook.Close()
	form := s.RegisterApp("acme", "Forms", apptest.AppOptions{HookURL: hook.URL, HookForm: true, WebhookSecret: "hush"})
	form.Deliver(t.Context(), s.shop.PushEvent("refs/heads/main", s.sha, s.sha))
	if body := <-got; !strings.HasPrefix(body, "application/x-www-form-urlencoded {") {
		t.Errorf("got %.100s", body)
	}
}

func TestFiveHundredPostsAnHour(t *testing.T) {
	s := newScene(t, apptest.Options{SecondaryLimits: true})
	token := s.installation.Token(nil)
	for n := range 500 {
		if n%50 == 0 {
			s.Advance(time.Minute)
		}
		s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, `{"state":"success"}`).want(t, http.StatusCreated, "")
	}
	s.Advance(2 * time.Minute)
	s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, `{"state":"success"}`).want(t, http.StatusForbidden, "secondary")
	s.ask("GET", "/repos/acme/shop", token, "").want(t, http.StatusOK, "")
}
