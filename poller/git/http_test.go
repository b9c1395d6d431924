package git

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/secret"
)

const Secret = "hunter2"

// private serves a repository that only who knows the secret may read.
func private(t *testing.T) (r *gittest.Repo, sha, url string) {
	t.Helper()
	r = gittest.New(t)
	sha = r.Commit(map[string]string{"a": "1"})
	return r, sha, gittest.ServeHTTP(t, filepath.Dir(r.Dir), gittest.HTTPOptions{User: "me", Password: Secret}) + "/repo.git"
}

func TestHTTPAuthentication(t *testing.T) {
	_, sha, url := private(t)
	inURL := strings.Replace(url, "://", "://me:"+Secret+"@", 1)
	mustCheckout(t, mirrorOf(t, inURL), sha)

	byAuth := mirrorOf(t, url)
	byAuth.Auth = func(_ context.Context, asked string) (string, secret.Text, error) {
		if asked != url {
			t.Errorf("asked for %s", asked)
		}
		return "me", secret.New(Secret), nil
	}
	mustCheckout(t, byAuth, sha)

	byAuth.Auth = func(context.Context, string) (string, secret.Text, error) {
		return "", secret.Text{}, errors.New("no luck")
	}
	wrong := strings.Replace(url, "://", "://me:"+Secret+"x@", 1)
	for m, want := range map[*Mirror]string{
		mirrorOf(t, url):                     "authentication required",
		mirrorOf(t, wrong):                   "authentication refused",
		mirrorOf(t, inURL+"/nowhere"):        "repository not found",
		byAuth:                               "get credentials: no luck",
		unsafe(t, "http://git.example/repo"): "over https only",
	} {
		_, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), Secret) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func unsafe(t *testing.T, url string) *Mirror {
	t.Helper()
	m := mirrorOf(t, url)
	m.Auth = func(context.Context, string) (string, secret.Text, error) {
		t.Error("credentials fetched for plain http")
		return "", secret.Text{}, nil
	}
	return m
}

func TestHTTPAnswers(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"access denied":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"503":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"address right?": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello")) },
		"hung up without": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		},
	} {
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		m := mirrorOf(t, strings.Replace(server.URL, "://", "://me:"+Secret+"@", 1)+"/repo")
		_, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), Secret) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestHTTPRedirects(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	var leaked atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Store(true)
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	var authorized atomic.Int32
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password == Secret {
			authorized.Add(1)
		}
		switch rest := r.URL.RequestURI(); {
		case strings.HasPrefix(rest, "/away/"):
			http.Redirect(w, r, elsewhere.URL+strings.TrimPrefix(rest, "/away"), http.StatusMovedPermanently)
		case strings.HasPrefix(rest, "/moved/"):
			http.Redirect(w, r, strings.TrimPrefix(rest, "/moved"), http.StatusFound)
		case strings.HasPrefix(rest, "/page/"):
			http.Redirect(w, r, "/login", http.StatusFound)
		case strings.HasPrefix(rest, "/with/"):
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "://", "://"+Secret+"@", 1)+strings.TrimPrefix(rest, "/with"), http.StatusFound)
		case strings.HasPrefix(rest, "/loop/"):
			http.Redirect(w, r, rest, http.StatusFound)
		default:
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(home.Close)
	at := func(path string) *Mirror {
		return mirrorOf(t, strings.Replace(home.URL, "://", "://me:"+Secret+"@", 1)+path)
	}
	for path, withCredentials := range map[string]int32{"/away/repo.git": 2, "/with/repo.git": 2, "/moved/repo.git": 4} {
		authorized.Store(0)
		mustCheckout(t, at(path), sha)
		if leaked.Load() || authorized.Load() != withCredentials {
			t.Errorf("%s: leaked %v, %d requests with credentials", path, leaked.Load(), authorized.Load())
		}
	}
	for path, want := range map[string]string{"/page/repo.git": "", "/loop/repo.git": "too many redirects"} {
		_, err := at(path).Heads(gittest.Generous(t), refs.Patterns{"HEAD"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), Secret) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
