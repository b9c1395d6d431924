package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/secret"
)

// A thirtieth of lagFor is the first pause of an App under test, instead of one second.
const lagFor = 4 * time.Second

func lagging(o *app.Options) { o.Lag = lagFor }

// lagged is for how long things are unknown: some of the pauses.
const lagged = lagFor / 8

func TestFreshTokensAreTriedAgain(t *testing.T) {
	s := newScene(t, apptest.Options{Lag: apptest.Lag{Token: lagged}}, lagging)
	s.wantMain()
	if n := s.tokens(); n != 1 {
		t.Errorf("%d tokens, want 1", n)
	}
	if refused := s.Count(apptest.Filter{Status: http.StatusUnauthorized}); refused == 0 {
		t.Error("the token was known at once")
	}
	s.SetLag(apptest.Lag{})
	if err := s.post("success"); err != nil {
		t.Error(err)
	}
}

// A token that is never known is one no, and then is not asked for in a hot loop.
func TestTokensThatStayUnknownAreDenied(t *testing.T) {
	s := newScene(t, apptest.Options{Lag: apptest.Lag{Token: time.Hour}}, func(o *app.Options) { o.Lag = lagFor / 10 })
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "fresh token")
	s.Reset()
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "fresh token")
	if n := s.total(); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

func TestOldTokensThatAreRevokedAreReplacedAtOnce(t *testing.T) {
	s := newScene(t, apptest.Options{}, func(o *app.Options) { o.Lag = 30 * time.Millisecond })
	s.wantMain()
	time.Sleep(30 * time.Millisecond) // past the lag
	s.installation.RevokeTokens()
	s.Reset()
	s.wantMain()
	if refused := s.Count(apptest.Filter{Status: http.StatusUnauthorized}); refused != 1 {
		t.Errorf("%d refusals, want 1", refused)
	}
}

// What the App was just told to be covered, and to be allowed, is not believed to be neither.
func TestFreshPermissionsAndRepositoriesAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		message string
	}{"repository": {404, "Not Found"}, "permission": {403, "Resource not accessible by integration"}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{}, lagging)
			s.Inject(apptest.Filter{Path: "/repos/acme/shop/commits/**"}, 2, apptest.Fail(c.status, c.message))
			s.wantMain()
			s.Inject(apptest.Filter{Path: "/repos/acme/shop/statuses/*"}, 2, apptest.Fail(c.status, c.message))
			if err := s.post("pending"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTokensForActionsAreTriedFirst(t *testing.T) {
	s := newScene(t, apptest.Options{}, lagging)
	s.wantMain()
	s.SetLag(apptest.Lag{Token: lagged})
	s.Advance(time.Minute) // the shared token is known
	token, _, err := s.repo.ScopedToken(t.Context(), map[string]string{"contents": "read"})
	if s.clean(err) != nil {
		t.Fatal(err)
	}
	if got := s.getAs(token, "/repos/acme/shop"); got != http.StatusOK {
		t.Errorf("it is handed out before it works: %d", got)
	}
	s.SetLag(apptest.Lag{Token: time.Hour})
	_, _, err = s.repo.ScopedToken(t.Context(), map[string]string{"contents": "read"})
	wantError[*app.SetupError](t, s.clean(err), "fresh token")
}

// getAs asks with a token and nothing else.
func (s *scene) getAs(token secret.Text, path string) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.APIURL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// Git may be told to try again with the same token while that is young, and then with another.
func TestGitTriesYoungTokensAgain(t *testing.T) {
	s := newScene(t, apptest.Options{}, lagging)
	first, err := s.repo.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for try := range 2 {
		if !s.repo.Again(t.Context(), first, try) {
			t.Errorf("given up after %d tries", try+1)
		}
	}
	if took := time.Since(begun); took < 3*lagFor/30 {
		t.Errorf("no pauses: %v", took)
	}
	if same, _ := s.repo.Token(t.Context()); same != first {
		t.Error("a young token was dropped")
	}
	time.Sleep(time.Until(begun.Add(lagFor))) // it is old now
	if !s.repo.Again(t.Context(), first, 0) {
		t.Error("no try with another token")
	}
	if other, _ := s.repo.Token(t.Context()); other == first {
		t.Error("an old token was kept")
	}
	if s.repo.Again(t.Context(), first, 5) {
		t.Error("tries without end")
	}
}

// GitHub's word that there is no such commit is final only when it should be known everywhere.
func TestStatusesOnCommitsThatHaveNotArrived(t *testing.T) {
	s := newScene(t, apptest.Options{}, lagging)
	s.wantMain()
	s.SetLag(apptest.Lag{Commit: lagged})
	begun := time.Now()
	s.sha = s.shop.Push("main", nil)
	post := func(since time.Time) error {
		return s.clean(s.repo.PostStatus(t.Context(), s.sha, app.Status{State: "success", Context: "kitops/shop", Since: since}))
	}
	if err := post(begun.Add(-time.Hour)); !refused(err) {
		t.Errorf("of an old run: %v", err)
	}
	for refusals := 0; ; refusals++ {
		err := post(begun)
		if err == nil {
			if refusals == 0 {
				t.Error("it was known at once")
			}
			break
		}
		if refused(err) {
			t.Fatalf("given up: %v", err)
		}
		time.Sleep(lagged / 4)
	}
	unknown := strings.Repeat("b", 40)
	if err := s.repo.PostStatus(t.Context(), unknown, app.Status{State: "success", Context: "c", Since: time.Now()}); err == nil || refused(err) {
		t.Errorf("of a young run: %v", err)
	}
	if err := s.repo.PostStatus(t.Context(), s.sha, app.Status{State: "success", Context: strings.Repeat("x", 256), Since: time.Now()}); !refused(err) {
		t.Errorf("what is wrong stays wrong: %v", err)
	}
}

func refused(err error) bool {
	_, is := errors.AsType[*app.RefusedError](err)
	return is
}

func TestCharactersThatGitHubRefusesAreReplaced(t *testing.T) {
	s := newScene(t, apptest.Options{})
	err := s.repo.PostStatus(t.Context(), s.sha, app.Status{
		State: "success", Context: "kitops/😀", Description: "done 👩\u200d💻 ✓ ü", TargetURL: "https://x.example/😀",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.shop.Statuses(s.sha)[0]; got.Description != "done \ufffd\u200d\ufffd ✓ ü" || got.Context != "kitops/\ufffd" {
		t.Errorf("got %+v", got)
	}
}

// Each scene once more on a GitHub that lags in everything.
func TestScenesWithLag(t *testing.T) {
	all := apptest.Lag{Token: lagged, Commit: lagged, Ref: lagged, Git: lagged, Permissions: lagged, Default: lagged}
	for name, play := range map[string]func(*scene){
		"a look": func(s *scene) { s.wantMain() },
		"heads": func(s *scene) {
			for _, refs := range []string{"HEAD", "refs/heads/main", "refs/heads/*"} {
				if got := s.heads(refs)["refs/heads/main"]; got != s.sha {
					t.Errorf("%s: got %s", refs, got)
				}
			}
		},
		"an identity": func(s *scene) {
			if id, err := s.repo.Identity(t.Context(), ""); err != nil || id == "" {
				t.Errorf("%q, %v", id, err)
			}
		},
		"a token": func(s *scene) {
			if _, _, err := s.repo.ScopedToken(t.Context(), map[string]string{"contents": "read"}); err != nil {
				t.Error(err)
			}
		},
		"repositories": func(s *scene) { s.listed(s.app) },
		"a diagnosis": func(s *scene) {
			for _, check := range append(s.app.Diagnose(t.Context()), s.repo.Diagnose(t.Context(), []string{"HEAD"})...) {
				if check.Level != app.OK {
					t.Errorf("%+v", check)
				}
			}
		},
		"a status": func(s *scene) {
			for s.repo.PostStatus(t.Context(), s.sha, app.Status{State: "success", Context: "c", Since: time.Now()}) != nil {
				time.Sleep(lagged / 8)
			}
		},
		"a push": func(s *scene) {
			s.wantMain()
			s.sha = s.shop.Push("main", nil)
			for s.heads("HEAD")["refs/heads/main"] != s.sha {
				time.Sleep(lagged / 8)
			}
		},
		"installed again": func(s *scene) {
			s.wantMain()
			s.installation.Uninstall()
			s.installation = s.github.Install("acme", nil)
			s.app.Outdated("acme")
			s.wantMain()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{Lag: all}, lagging)
			s.Advance(lagged) // what the scene is made of is old
			play(s)
			s.log.want(t, "level=ERROR", 0)
		})
	}
}
