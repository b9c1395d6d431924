package setup_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/setup"
)

func TestAppIsRegisteredAndInstalled(t *testing.T) {
	for name, enterprise := range map[string]bool{"github.com": false, "Enterprise Server": true} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{Enterprise: enterprise}, func(p *setup.Setup) { p.LoginURL = "https://kitops.example.com/login/callback" })
			back := s.answer()
			if r := s.get(back); r.status != http.StatusSeeOther || r.header.Get("Location") == "" {
				t.Fatalf("%+v", r)
			}
			waiting := s.get(s.address)
			if waiting.header.Get("Refresh") == "" || !strings.Contains(waiting.body, "/apps/kitops-acme/installations/new") {
				t.Errorf("%+v", waiting)
			}
			if again := s.get(back); again.status != http.StatusConflict || !strings.Contains(again.body, "used already") {
				t.Errorf("a state is good for one time: %d", again.status)
			}
			s.install()
			for ended := false; !ended; {
				page := s.get(s.address) // as its Refresh header makes a browser do
				if ended = page.header.Get("Refresh") == ""; ended && !strings.Contains(page.body, "reaches 1 repository") {
					t.Errorf("%s", page.body)
				}
			}
			if err := s.result(); err != nil {
				t.Fatal(err)
			}
			if !s.hears("registered kitops-acme") || !s.hears("installed on acme") {
				t.Errorf("%q", s.told)
			}
			s.checkStored(true)
		})
	}
}

// checkStored makes sure that the App's secrets are in files, and nowhere else.
func (s *scene) checkStored(logins bool) {
	s.t.Helper()
	stored, err := app.LoadStored(s.dir)
	if err != nil || stored.APIURL != s.APIURL || stored.AppID != s.App("kitops-acme").ID || stored.ClientID != s.App("kitops-acme").ClientID {
		s.t.Fatalf("%+v %v", stored, err)
	}
	key, err := os.ReadFile(stored.PrivateKeyFile)
	if err != nil || string(key) != string(s.App("kitops-acme").PrivateKey()) {
		s.t.Errorf("another key was stored (%v)", err)
	}
	secret, err := os.ReadFile(stored.WebhookSecretFile)
	if err != nil || len(secret) < 20 {
		s.t.Errorf("no webhook secret (%v)", err)
	}
	client := []byte("not a secret of any App")
	if logins {
		client, err = os.ReadFile(stored.ClientSecretFile)
	}
	if logins != (stored.ClientSecretFile != "") || err != nil || logins && !s.App("kitops-acme").LogsIn(strings.TrimSpace(string(client)), "https://kitops.example.com/login/callback") {
		s.t.Errorf("nobody can log in (%v)", err)
	}
	if info, err := os.Stat(stored.PrivateKeyFile); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
		s.t.Errorf("key: %v %v", info.Mode(), err)
	}
	pem := strings.Split(string(key), "\n")
	for _, answer := range append(s.seen, s.told...) {
		for _, part := range []string{"PRIVATE KEY", pem[1], pem[5], strings.TrimSpace(string(secret)), strings.TrimSpace(string(client))} {
			if strings.Contains(answer, part) {
				s.t.Fatal("a page or a message holds a secret")
			}
		}
	}
}

func TestPagesAreForOneBrowserOnly(t *testing.T) {
	s := newScene(t, apptest.Options{})
	first, err := url.Parse(s.address)
	if err != nil {
		t.Fatal(err)
	}
	if path := strings.Trim(first.Path, "/"); len(path) != 32 {
		t.Errorf("%q is no random 128 bits", path)
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	root := "http://" + first.Host
	for name, c := range map[string]struct {
		method, address string
		host            string
		want            int
	}{
		"the page":            {"GET", s.address, first.Host, 200},
		"by the name":         {"GET", s.address, "localhost:" + first.Port(), 200},
		"DNS rebinding":       {"GET", s.address, "evil.example.com", 421},
		"with the right port": {"GET", s.address, "evil.example.com:" + first.Port(), 421},
		"another port":        {"GET", s.address, "127.0.0.1:1", 421},
		"root":                {"GET", root + "/", first.Host, 404},
		"guessed":             {"GET", root + "/" + strings.Repeat("0", 32) + "/", first.Host, 404},
		"half guessed":        {"GET", s.address[:len(s.address)-9], first.Host, 404},
		"callback, guessed":   {"GET", root + "/registered?code=x&state=y", first.Host, 404},
		"another method":      {"POST", s.address, first.Host, 405},
		"an unknown page":     {"GET", s.address + "key", first.Host, 404},
	} {
		r := s.request(c.method, c.address, nil, host(c.host))
		if r.status != c.want {
			t.Errorf("%s: %d, want %d", name, r.status, c.want)
		}
		if r.status != 200 && strings.Contains(r.body, "manifest") {
			t.Errorf("%s: shows the form", name)
		}
		policy := r.header.Get("Content-Security-Policy")
		if r.header.Get("Cache-Control") != "no-store" || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %v", name, r.header)
		}
	}
	if page := s.get(s.address).body; strings.Contains(page, "<script") || strings.Contains(page, "src=") {
		t.Error("a page needs scripts or other resources")
	}
}

func TestRegistrationFails(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(s *scene, back string) string
		status int
		words  []string
	}{
		"wrong state": {func(_ *scene, back string) string { return with(back, "state", "x") }, 403, []string{"state", "kitops setup again", "/settings/apps"}},
		"no state":    {func(_ *scene, back string) string { return with(back, "state", "") }, 403, []string{"state"}},
		"denied":      {func(_ *scene, back string) string { return with(with(back, "code", ""), "error", "access_denied") }, 403, []string{"denied", "acme"}},
		"no code":     {func(_ *scene, back string) string { return with(back, "code", "") }, 400, []string{"no code"}},
		"wrong code":  {func(_ *scene, back string) string { return with(back, "code", "../../x?") }, 502, []string{"one use", "kitops setup again"}},
		"expired":     {func(s *scene, back string) string { s.Advance(time.Hour); return back }, 502, []string{"within an hour", "delete the App"}},
		"GitHub down": {func(s *scene, back string) string {
			s.Inject(apptest.Filter{Kind: apptest.REST}, 0, apptest.Fail(503, ""))
			return back
		}, 502, []string{"does not answer", "delete the App"}},
		"another took the file": {func(s *scene, back string) string {
			if err := os.WriteFile(filepath.Join(s.dir, "app.pem"), []byte("precious"), 0o600); err != nil {
				s.t.Fatal(err)
			}
			return back
		}, 502, []string{"could not be stored", "delete the App"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{Unchecked: true})
			s.fails(s.get(c.spoil(s, s.answer())), c.status, c.words...)
			if _, err := app.LoadStored(s.dir); err == nil {
				t.Error("an App was stored")
			}
			if key, err := os.ReadFile(filepath.Join(s.dir, "app.pem")); err == nil && string(key) != "precious" {
				t.Error("a key was overwritten, or left")
			}
		})
	}
}

func with(address, key, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return err.Error()
	}
	q := u.Query()
	if q.Del(key); value != "" {
		q.Set(key, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func TestUserSaysWhatGitHubRefused(t *testing.T) {
	for why, words := range map[string][]string{
		"webhook": {"--webhook-url", "no stranger"},
		"denied":  {"may not register Apps for acme", "--org"},
		"other":   {"given up", "kitops setup again"},
	} {
		s := newScene(t, apptest.Options{})
		s.fails(s.request("POST", s.address+"stop", url.Values{"why": {why}}), 200, words...)
	}
}

func TestSetupDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		change func(*setup.Setup)
		words  string
	}{
		"port taken":   {func(s *setup.Setup) { s.Listen = taken.Addr().String() }, "another port"},
		"open to all":  {func(s *setup.Setup) { s.Listen = "0.0.0.0:0" }, "no loopback"},
		"no port":      {func(s *setup.Setup) { s.Listen = "127.0.0.1" }, "no loopback"},
		"bad org":      {func(s *setup.Setup) { s.Org = "a/b" }, "organization"},
		"bad API":      {func(s *setup.Setup) { s.APIURL = "https://github.com" }, "https://api.github.com"},
		"long name":    {func(s *setup.Setup) { s.Name = strings.Repeat("é", 35) }, "at most 34"},
		"bad webhook":  {func(s *setup.Setup) { s.WebhookURL = "hooks" }, "--webhook-url"},
		"no directory": {func(s *setup.Setup) { s.Dir = "/dev/null/kitops" }, "--dir"},
	} {
		if s := newScene(t, apptest.Options{}, c.change); s.address != "" {
			t.Errorf("%s: it started", name)
		} else if err := s.result(); !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWaitingForTheInstallationOutlastsAnOutage(t *testing.T) {
	s := newScene(t, apptest.Options{})
	back := s.answer()
	down := s.Inject(apptest.Filter{Path: "/app/installations"}, 0, apptest.Fail(503, ""))
	s.get(back)
	s.await(func() bool { return s.hears("trouble GitHub's API does not answer") })
	s.await(func() bool { return strings.Contains(s.get(s.address).body, "tries again") })
	s.install("acme/shop")
	down.Lift()
	s.await(func() bool { return s.get(s.address).header.Get("Refresh") == "" })
	if err := s.result(); err != nil {
		t.Fatal(err)
	}
}

// await asks again and again for what nobody announces.
func (s *scene) await(ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never came: %q", s.told)
		}
	}
}

func TestInterruption(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.cancel()
	if err := s.result(); !strings.Contains(err.Error(), "before an App was registered") {
		t.Error(err)
	}
	s = newScene(t, apptest.Options{})
	s.get(s.answer())
	s.get(s.address)
	s.cancel()
	s.await(func() bool { // the page that waits sees it too
		page := s.get(s.address)
		return page.header.Get("Refresh") == "" && strings.Contains(page.body, "stored in")
	})
	err := s.result()
	if _, ok := errors.AsType[*app.SetupError](err); !ok || !strings.Contains(err.Error(), "/apps/kitops-acme/installations/new") {
		t.Error(err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("an error for programs, not for people")
	}
}
