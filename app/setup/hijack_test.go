package setup_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/setup"
)

// Somebody who got hold of the page registers an App of his own: it is named, and its key is not kept.
func TestAppOfAnotherOwnerIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ org, asked, there string }{
		"another's for the organization": {"acme", "/organizations/acme/settings/", "/settings/"},
		"an organization's for the user": {"", "/settings/", "/organizations/acme/settings/"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{}, func(s *setup.Setup) { s.Org = c.org })
			action, fields := form(t, s.get(s.address).body)
			review := s.request("POST", strings.Replace(action, c.asked, c.there, 1), fields)
			action, fields = form(t, review.body)
			done := s.request("POST", s.URL+action, fields)
			if done.status != http.StatusFound {
				t.Fatalf("%+v", done)
			}
			owner := map[string]string{"acme": "mona", "": "acme"}[c.org]
			s.fails(s.get(done.header.Get("Location")), http.StatusBadGateway, "belongs to "+owner, "not used")
			if _, err := app.LoadStored(s.dir); err == nil {
				t.Error("it was stored")
			}
			if _, err := os.Stat(filepath.Join(s.dir, "app.pem")); err == nil {
				t.Error("its key was stored")
			}
		})
	}
}

// The secret address is in no command line: browsers get a file that only its owner can read, and that is gone afterwards.
func TestPageForTheBrowserIsForThisUserOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kitops")
	ctx, cancel := context.WithCancel(t.Context())
	var page string
	err := setup.Setup{
		Dir: dir, APIURL: "http://127.0.0.1:1", Listen: "127.0.0.1:0",
		Opened: func(address, file string) {
			page = file
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
			text, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(text), `content="0; url=`+address+`"`) || !strings.HasSuffix(file, ".html") {
				t.Errorf("%s, %v", text, err)
			}
			secret := strings.Trim(address[strings.LastIndex(strings.TrimRight(address, "/"), "/"):], "/")
			if strings.Contains(file, secret) {
				t.Error("its name holds the secret")
			}
			cancel()
		},
	}.Run(ctx)
	if err == nil {
		t.Error("it ended well")
	}
	if _, err := os.Stat(page); page == "" || err == nil {
		t.Errorf("%q is left", page)
	}
}

// A sign-on may be at another host, and browsers hold a form's redirects against the policy.
func TestSignOnElsewhereIsNotBlocked(t *testing.T) {
	s := newScene(t, apptest.Options{})
	policy := s.get(s.address).header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' https: "+s.URL+";") {
		t.Errorf("policy %s", policy)
	}
}
