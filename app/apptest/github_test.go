package apptest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/app/apptest"
)

func TestViolationsAreCollected(t *testing.T) {
	g, err := apptest.Start(apptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	g.AddOrg("acme")
	r := g.AddRepository("acme", "shop", apptest.RepositoryOptions{})
	sha := r.Push("main", nil)
	i := g.RegisterApp("acme", "kitops", apptest.AppOptions{Permissions: apptest.Permissions{"statuses": "write"}}).Install("acme", nil)
	s := &scene{GitHub: g, t: t, transport: newTransport(t)}
	token := i.Token(nil)
	g.Inject(apptest.Filter{Path: "/repos/*/*/branches"}, 0, apptest.Fail(500, ""))
	statuses := "/repos/acme/shop/statuses/" + sha
	for _, c := range []struct{ method, path, body, words string }{
		{"GET", "/repos/acme/shop", "", ""},
		{"GET", "/repos/acme/shop/commits/heads/main?per_page=1", "", ""},
		{"POST", statuses, `{"state":"success"}`, ""},
		{"GET", "/nowhere", "", "no such operation"},
		{"GET", "/repos/acme/shop?verbose=1", "", "unknown parameter verbose"},
		{"POST", statuses, `{"state":"running"}`, "state"},
		{"POST", statuses, `{"state":"success","description":"` + strings.Repeat("d", 141) + `"}`, "description"},
		{"POST", statuses, `{"state":"success","colour":"green"}`, "colour"},
		{"POST", statuses, `null`, "request"},
		{"GET", "/repos/acme/shop/branches?faulty=1", "", "unknown parameter faulty"},
	} {
		before := len(g.Violations())
		if r := s.ask(c.method, c.path, token, c.body); r.err != nil {
			t.Fatal(r.err)
		}
		found := strings.Join(g.Violations()[before:], "; ")
		if (found == "") != (c.words == "") || !strings.Contains(found, c.words) {
			t.Errorf("%s %s %.40s: got violations %q, want %q", c.method, c.path, c.body, found, c.words)
		}
	}
}

func TestTLSIsTrustedThroughItsCA(t *testing.T) {
	s := newScene(t, apptest.Options{TLS: true})
	if _, _, err := s.asInstallation(nil).Repositories.Get(t.Context(), "acme", "shop"); err == nil {
		t.Error("an unknown authority was trusted")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA)
	s.transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	if r, _, err := s.asInstallation(nil).Repositories.Get(t.Context(), "acme", "shop"); err != nil || !strings.HasPrefix(r.GetCloneURL(), "https://") {
		t.Errorf("%v, %v", r, err)
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	s := newScene(t, apptest.Options{})
	client := s.asInstallation(&github.InstallationTokenOptions{})
	if _, _, err := client.Repositories.GetCommitSHA1(t.Context(), "acme", "shop", "heads/main", s.sha); err == nil {
		t.Error("want a 304, which go-github reports as an error")
	}
	all := s.Requests(apptest.Filter{})
	if len(all) != 2 || all[0].Auth != apptest.AsApp || all[0].ID != s.app.ID || all[0].Status != 201 || all[0].Received == 0 || all[0].Sent == 0 {
		t.Errorf("%+v", all)
	}
	if look := all[1]; look.Auth != apptest.AsInstallation || !look.Conditional || look.Status != 304 || !strings.Contains(look.MediaType, "sha") {
		t.Errorf("%+v", look)
	}
	s.Reset()
	if n := s.Count(apptest.Filter{}); n != 0 {
		t.Errorf("%d requests after Reset", n)
	}
}

func TestManyAtOnce(t *testing.T) {
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apptest.Options{})
			client := s.asInstallation(nil)
			var looks sync.WaitGroup
			for range 4 {
				looks.Go(func() {
					if _, _, err := client.Repositories.CreateStatus(t.Context(), "acme", "shop", s.sha, &github.RepoStatus{State: ptr("success")}); err != nil {
						t.Error(err)
					}
					s.shop.Push("main", nil)
				})
			}
			looks.Wait()
			if n := len(s.shop.Statuses(s.sha)); n != 4 {
				t.Errorf("%d statuses, want 4", n)
			}
		})
	}
}

func BenchmarkUnchangedHead(b *testing.B) {
	g := apptest.New(b, apptest.Options{Unchecked: true, RateLimit: 1 << 30})
	g.AddOrg("acme")
	sha := strings.Repeat("a", 40)
	for i := range 1000 {
		g.AddRepository("acme", fmt.Sprintf("r%d", i), apptest.RepositoryOptions{InMemory: true, Private: true}).SetHead("main", sha)
	}
	i := g.RegisterApp("acme", "kitops", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read"}}).Install("acme", nil)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := github.NewClient(&http.Client{Transport: transport}).WithAuthToken(i.Token(nil))
	var err error
	if client.BaseURL, err = client.BaseURL.Parse(g.APIURL + "/"); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if _, resp, _ := client.Repositories.GetCommitSHA1(b.Context(), "acme", fmt.Sprintf("r%d", n%1000), "heads/main", sha); resp.StatusCode != http.StatusNotModified {
			b.Fatal(resp.Status)
		}
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	s := newScene(t, apptest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Await(ctx, func() bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestCloseRemovesItsDirectoryOnly(t *testing.T) {
	dir := t.TempDir()
	for _, o := range []apptest.Options{{}, {Dir: dir}} {
		g, err := apptest.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		g.AddUser("mona")
		r := g.AddRepository("mona", "r", apptest.RepositoryOptions{})
		if err := errors.Join(g.Close(), g.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(r.Dir()); (err == nil) != (o.Dir != "") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestMistakesInBuildingPanicAfterStart(t *testing.T) {
	g, err := apptest.Start(apptest.Options{Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	defer func() {
		if recover() == nil {
			t.Error("a repository of nobody was added")
		}
	}()
	g.AddRepository("nobody", "r", apptest.RepositoryOptions{})
}
