package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/secret"
)

func TestAppIDOrClientID(t *testing.T) {
	s := newScene(t, apptest.Options{LongTokens: true}, func(o *app.Options) { o.APIURL += "/" })
	s.wantMain()
	s.app = s.newApp(func(o *app.Options) { o.ID = strconv.FormatInt(s.github.ID, 10) })
	s.repo = s.app.Repository("ACME", "Shop")
	s.wantMain()
	if s.repo != s.app.Repository("acme", "shop") {
		t.Error("two handles for one repository")
	}
}

func TestOneTokenForAll(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddRepository("acme", "site", apptest.RepositoryOptions{Private: true}).Push("main", nil)
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			name := []string{"shop", "site"}[n%2]
			if heads, err := s.app.Repository("acme", name).Heads(t.Context(), []string{"refs/heads/main"}); err != nil || len(heads) != 1 {
				t.Errorf("%v, %v", heads, err)
			}
		})
	}
	wg.Wait()
	if err := s.post("success"); err != nil {
		t.Error(err)
	}
	if token, err := s.repo.Token(t.Context()); err != nil || !strings.HasPrefix(token.Reveal(), "ghs_") {
		t.Error(err)
	}
	if n := s.Count(apptest.Filter{Path: "/repos/*/*/installation"}); n != 2 || s.tokens() != 1 {
		t.Errorf("%d lookups and %d tokens, want 2 and 1", n, s.tokens())
	}
}

func TestTokenIsReplacedInTimeAndWhenRefused(t *testing.T) {
	s := newScene(t, apptest.Options{})
	first, err := s.repo.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(56 * time.Minute)
	s.wantMain() // tells the clock
	if second, err := s.repo.Token(t.Context()); err != nil || second == first {
		t.Errorf("the token was kept until its end: %v", err)
	}
	s.Advance(2 * time.Hour)
	s.wantMain()
	third, err := s.repo.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := s.tokens(); n != 3 {
		t.Errorf("%d tokens, want 3", n)
	}
	s.repo.Refused(secret.New("ghs_another"))
	if same, err := s.repo.Token(t.Context()); err != nil || same != third {
		t.Errorf("dropped for another's sake: %v", err)
	}
	s.repo.Refused(third)
	if fourth, err := s.repo.Token(t.Context()); err != nil || fourth == third {
		t.Errorf("a refused token was kept: %v", err)
	}
}

func TestRefusalsAreNotRepeatedInAHotLoop(t *testing.T) {
	cases := map[string]struct {
		break_ func(*scene)
		words  []string
		most   int // requests
	}{
		"tokens refused": {func(s *scene) {
			s.Inject(apptest.Filter{Auth: apptest.AsInstallation}, 0, apptest.Fail(http.StatusUnauthorized, "Bad credentials"))
		}, []string{"fresh token", "acme"}, 4},
		"suspended": {func(s *scene) {
			s.installation.Suspend()
		}, []string{"suspended", "unsuspend it at http", "/settings/installations/"}, 2},
		"uninstalled": {func(s *scene) {
			s.installation.Uninstall()
		}, []string{"does not reach", "acme/shop", "/apps/kit-ops/installations/new"}, 9},
		"another key": {func(s *scene) {
			s.github.RotateKey()
			s.installation.RevokeTokens()
		}, []string{"private key", "does not belong to App"}, 3},
		"App deleted": {func(s *scene) {
			s.github.Delete()
		}, []string{"knows no App"}, 2},
		"time refused": {func(s *scene) {
			s.installation.RevokeTokens()
			s.Inject(apptest.Filter{Auth: apptest.AsApp}, 0, apptest.Fail(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future"))
		}, []string{"time of App", "0 s off", "time synchronisation"}, 3},
		"refused without words": {func(s *scene) {
			s.installation.RevokeTokens()
			s.Inject(apptest.Filter{Auth: apptest.AsApp}, 0, apptest.Fail(http.StatusUnauthorized, ""))
		}, []string{"credentials of App", "Unauthorized"}, 3},
		"contents taken away": {func(s *scene) {
			s.installation.SetPermissions(apptest.Permissions{"statuses": "write"})
		}, []string{"does not grant contents:read", "accept the change at http"}, 3},
		"token never made": {func(s *scene) {
			s.installation.RevokeTokens()
			s.Inject(apptest.Filter{Path: "/app/installations/*/access_tokens"}, 0, apptest.Fail(http.StatusUnprocessableEntity, "no such thing"))
		}, []string{"no such thing"}, 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			s.wantMain()
			c.break_(s)
			s.Reset()
			err := s.headsError("refs/heads/main")
			for range 10 {
				err = s.headsError("refs/heads/main")
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if n := s.total(); n > c.most {
				t.Errorf("%d requests, want at most %d", n, c.most)
			}
		})
	}
}

func TestWhatIsMendedWorksAgain(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.wantMain()
	s.installation.Suspend()
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "suspended")
	s.installation.Unsuspend()
	s.wantMain()
	s.installation.SetPermissions(apptest.Permissions{"metadata": "read"})
	wantError[*app.PermissionError](t, s.headsError("refs/heads/main"), "contents:read")
	s.installation.SetPermissions(apptest.Permissions{"contents": "write", "statuses": "write"})
	s.wantMain()
	s.installation.Uninstall()
	wantError[*app.NotCoveredError](t, s.headsError("refs/heads/main"))
	s.installation = s.github.Install("acme", nil)
	s.wantMain()
}

func TestClockIsGitHubs(t *testing.T) {
	for _, skew := range []time.Duration{-1230 * time.Second, 10830 * time.Second} {
		t.Run(skew.String(), func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			s.Advance(skew)
			for range 3 {
				s.wantMain()
			}
			if refused := s.Count(apptest.Filter{Status: http.StatusUnauthorized}); refused != 1 {
				t.Errorf("%d refusals, want 1", refused)
			}
			s.log.want(t, "clock is off", 1)
			s.log.want(t, "seconds="+strconv.Itoa(int(skew.Abs() / time.Second))[:2], 1)
		})
	}
}

func TestKeyFileIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.pem")
	s := newScene(t, apptest.Options{})
	write := func(data []byte, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(s.github.PrivateKey(), 0o600)
	s.app = s.newApp(func(o *app.Options) { o.Key = app.Key{File: file} })
	s.repo = s.app.Repository("acme", "shop")
	s.wantMain()
	s.log.want(t, "every user", 0)

	s.github.RotateKey()
	s.installation.RevokeTokens()
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "does not belong", file)
	write([]byte("half a key"), 0o600)
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "does not belong")
	s.log.want(t, "cannot be read again", 1)
	write(s.github.PrivateKeyPKCS8(), 0o604)
	s.wantMain()

	s.newApp(func(o *app.Options) { o.Key = app.Key{File: file} })
	s.log.want(t, "every user", 1)
}

func TestScopedToken(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddRepository("acme", "site", apptest.RepositoryOptions{Private: true}).Push("main", nil)
	shared, err := s.repo.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(-time.Hour) // the clock of this host is ahead
	s.repo.Refused(shared)
	s.wantMain()
	token, expires, err := s.repo.ScopedToken(t.Context(), map[string]string{"contents": "read"})
	if err != nil || token == shared {
		t.Fatal(err)
	}
	if left := time.Until(expires); left < 50*time.Minute || left > 61*time.Minute {
		t.Errorf("%v left of an hour", left)
	}
	get := func(path string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(background(t), http.MethodGet, s.APIURL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := get("/repos/acme/shop/commits/main"); got != 200 {
		t.Errorf("its own repository: %d", got)
	}
	if got := get("/repos/acme/site/commits/main"); got != 404 {
		t.Errorf("another repository: %d", got)
	}
	_, _, err = s.repo.ScopedToken(t.Context(), map[string]string{"contents": "write"})
	wantError[*app.PermissionError](t, s.clean(err), "contents:write")
}
