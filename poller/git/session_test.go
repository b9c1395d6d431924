package git

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestAzureCapabilities stands in for Azure DevOps, which hangs up on clients
// without multi_ack: a real git behind a guard that does the same.
func TestAzureCapabilities(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Header.Del("Git-Protocol") // it knows version 0 only
		if req.Method == http.MethodPost {
			body, _ := io.ReadAll(req.Body)
			if !bytes.Contains(body, []byte("multi_ack")) || !bytes.Contains(body, []byte("deepen 1")) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	mustCheckout(t, mirrorOf(t, server.URL+"/repo.git"), sha)
}

// serveWithout serves a repository over version 0 of the protocol, without some
// of git's capabilities, and returns its address.
func serveWithout(t *testing.T, r *gittest.Repo, capabilities ...string) string {
	t.Helper()
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Header.Del("Git-Protocol")
		if req.Method == http.MethodPost {
			backend.ServeHTTP(w, req)
			return
		}
		whole := httptest.NewRecorder()
		backend.ServeHTTP(whole, req)
		w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
		body := whole.Body.String()
		for _, name := range capabilities {
			body = strings.Replace(body, " "+name+" ", " "+strings.Repeat("x", len(name))+" ", 1)
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/repo.git"
}

// TestServerWithoutShallow gets all of the history and still the one tree.
func TestServerWithoutShallow(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	sha := r.Commit(map[string]string{"a": "2"})
	if dir := mustCheckout(t, mirrorOf(t, serveWithout(t, r, "shallow", "side-band-64k", "side-band")), sha); read(t, dir, "a") != "2" {
		t.Error("wrong tree")
	}
}

func TestConcurrentUse(t *testing.T) {
	for name, reach := range some(ways()) {
		t.Run(name, func(t *testing.T) {
			r := gittest.New(t)
			sha := r.Commit(map[string]string{"a": "1"})
			m := reach(t, r)
			var wait sync.WaitGroup
			for range 4 {
				wait.Go(func() {
					if _, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"}); err != nil {
						t.Error(err)
					}
					dir := filepath.Join(t.TempDir(), "workdir")
					if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{}); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
		})
	}
}
