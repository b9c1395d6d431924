package git

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// habit is what a server does otherwise than git http-backend.
type habit func(w http.ResponseWriter, r *http.Request, backend http.Handler)

// serveOddly serves a repository by a server with a habit, and tells what it
// was asked.
func serveOddly(t *testing.T, r *gittest.Repo, h habit) (url string, asked func() []string) {
	t.Helper()
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	var mu sync.Mutex
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		requests = append(requests, req.Method+" "+req.URL.Path)
		mu.Unlock()
		h(w, req, backend)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		got := requests
		requests = nil
		return got
	}
}

// record is the backend's answer, to be changed before it is sent.
func record(r *http.Request, backend http.Handler) *httptest.ResponseRecorder {
	whole := httptest.NewRecorder()
	backend.ServeHTTP(whole, r)
	return whole
}

func resend(w http.ResponseWriter, from *httptest.ResponseRecorder) {
	for name, values := range from.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(from.Code)
	_, _ = w.Write(from.Body.Bytes())
}

// habits are those of servers that git gets along with.
func habits() map[string]habit {
	contentType := func(change func(string) string) habit {
		return func(w http.ResponseWriter, r *http.Request, backend http.Handler) {
			whole := record(r, backend)
			whole.Header().Set("Content-Type", change(whole.Header().Get("Content-Type")))
			resend(w, whole)
		}
	}
	return map[string]habit{
		"without .git redirected": func(w http.ResponseWriter, r *http.Request, backend http.Handler) {
			path, isRefs := strings.CutSuffix(r.URL.Path, "/info/refs")
			switch {
			case strings.Contains(r.URL.Path, ".git/"):
				backend.ServeHTTP(w, r)
			case r.Method == http.MethodGet && isRefs:
				http.Redirect(w, r, path+".git/info/refs?"+r.URL.RawQuery, http.StatusMovedPermanently)
			default:
				http.NotFound(w, r)
			}
		},
		"post only after a get": func() habit {
			var mu sync.Mutex
			seen := false
			return func(w http.ResponseWriter, r *http.Request, backend http.Handler) {
				mu.Lock()
				seen = seen || r.Method == http.MethodGet
				pass := seen
				mu.Unlock()
				if !pass {
					http.Error(w, "forbidden", http.StatusForbidden)
					return
				}
				backend.ServeHTTP(w, r)
			}
		}(),
		"parameters": contentType(func(s string) string { return s + "; charset=utf-8" }),
		"case":       contentType(func(s string) string { return strings.ReplaceAll(strings.ToUpper(s), "APPLICATION", "Application") }),
		"gzip": func(w http.ResponseWriter, r *http.Request, backend http.Handler) {
			whole := record(r, backend)
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = z.Write(whole.Body.Bytes())
			_ = z.Close()
			whole.Body = &packed
			whole.Header().Set("Content-Encoding", "gzip")
			resend(w, whole)
		},
	}
}

// TestServersAsGit looks and checks out where git does, by version 2 and 0.
func TestServersAsGit(t *testing.T) {
	for name := range habits() {
		for _, old := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", version 0"}[old], func(t *testing.T) {
				r := gittest.New(t)
				sha := r.Commit(map[string]string{"a": "1"})
				h := habits()[name]
				url, asked := serveOddly(t, r, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
					if req.UserAgent() != "kitops/1.2" && !strings.HasPrefix(req.UserAgent(), "git/") {
						t.Errorf("agent %q", req.UserAgent())
					}
					if old {
						req.Header.Del("Git-Protocol")
					}
					h(w, req, backend)
				})
				url += "/repo.git"
				if strings.HasPrefix(name, "without") {
					url = strings.TrimSuffix(url, ".git")
				}
				if got := gittest.Git(t, r.Work, "ls-remote", url, "HEAD"); !strings.HasPrefix(got, sha) {
					t.Fatalf("git: %s", got)
				}
				m := mirrorOf(t, url)
				m.Agent = "kitops/1.2"
				asked()
				for range 2 {
					if got := mustHeads(t, m, "HEAD"); len(got) != 1 || got[0].SHA != sha || got[0].Ref != "refs/heads/main" {
						t.Errorf("heads: %v", got)
					}
				}
				mustCheckout(t, m, sha)
				if all := asked(); strings.HasPrefix(name, "without") && !old && !slices.Equal(all, []string{
					"POST /repo/git-upload-pack", "GET /repo/info/refs", "GET /repo.git/info/refs", "POST /repo.git/git-upload-pack",
					"POST /repo.git/git-upload-pack", "POST /repo.git/git-upload-pack",
				}) {
					t.Errorf("asked %q", all)
				}
			})
		}
	}
}

// TestNamesThatGitRefuses are left out, and the rest goes on.
func TestNamesThatGitRefuses(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	odd := []string{"refs/heads/../../etc/passwd", "refs/heads/a~b", "refs/heads/\x1b[31m", "refs/heads/\xe9", "refs/heads/" + strings.Repeat("long", 2000)}
	for _, old := range []bool{false, true} {
		url, _ := serveOddly(t, r, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
			if old {
				req.Header.Del("Git-Protocol")
			}
			whole := record(req, backend)
			body := whole.Body.String()
			if i := strings.Index(body, "refs/heads/main\n"); i >= 0 && len(whole.Body.Bytes()) > 0 {
				end := i + len("refs/heads/main\n")
				lines := ""
				for _, name := range odd {
					line := sha + " " + name + "\n"
					lines += hexLength(len(line)+4) + line
				}
				whole.Body = bytes.NewBufferString(body[:end] + lines + body[end:])
				whole.Header().Del("Content-Length")
			}
			resend(w, whole)
		})
		m := mirrorOf(t, url+"/repo.git")
		var log bytes.Buffer
		m.Log = slog.New(slog.NewTextHandler(&log, nil))
		for range 2 {
			if got := mustHeads(t, m, "refs/heads/**"); len(got) != 1 || got[0].Ref != "refs/heads/main" {
				t.Errorf("%v", got)
			}
		}
		if n := strings.Count(log.String(), "refs are left out"); n != 1 || !strings.Contains(log.String(), "refs=4") || strings.Contains(log.String(), "\x1b") {
			t.Errorf("warned %d times: %s", n, log.String())
		}
	}
	// A file system may hold a name that git skips.
	if err := os.WriteFile(filepath.Join(r.Dir, "refs", "heads", "a b"), []byte(sha+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mustHeads(t, mirrorOf(t, r.Dir), "refs/heads/**"); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func hexLength(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>12&15], digits[n>>8&15], digits[n>>4&15], digits[n&15]})
}

// TestNoSymref is a server that does not tell which branch HEAD names: git
// takes master if it is there, else the first that is where HEAD is.
func TestNoSymref(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	r.Bare("update-ref", "refs/heads/other", sha)
	r.Bare("update-ref", "refs/tags/early", sha)
	url := serveWithout(t, r, "symref=HEAD:refs/heads/main")
	branches := []string{"refs/heads/main", "refs/heads/aaa", "refs/heads/master"}
	for i, want := range branches {
		r.Bare("update-ref", want, sha)
		if got := mustHeads(t, mirrorOf(t, url), "HEAD"); len(got) != 1 || got[0] != (refs.Revision{Ref: want, SHA: sha}) {
			t.Errorf("%v, want %s", got, want)
		}
		dir := filepath.Join(t.TempDir(), "clone")
		gittest.Git(t, r.Work, "-c", "init.defaultBranch=master", "clone", "--quiet", url, dir)
		if got := gittest.Git(t, dir, "symbolic-ref", "HEAD"); got != want {
			t.Errorf("git takes %s, %s expected, step %d", got, want, i)
		}
	}
}

// TestTagsThatCannotBeFetched do not fail the run: it is told once.
func TestTagsThatCannotBeFetched(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	sha := r.Commit(map[string]string{"a": "2"})
	refuse := false
	url, _ := serveOddly(t, r, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		req.Header.Del("Git-Protocol")
		if req.Method == http.MethodPost && refuse {
			body, _ := io.ReadAll(req.Body)
			if !bytes.Contains(body, []byte("deepen")) {
				http.Error(w, "odd", http.StatusInternalServerError)
				return
			}
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		backend.ServeHTTP(w, req)
	})
	m := mirrorOf(t, url+"/repo.git")
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	rev := refs.Revision{Ref: "refs/heads/main", SHA: sha}
	mustHistory(t, m, rev, 5)
	r.Bare("tag", "--annotate", "--message=x", "v1", sha)
	r.Bare("tag", "light", sha)
	refuse = true
	for range 2 {
		if got := gittest.Git(t, mustHistory(t, m, rev, 5), "tag"); got != "light" {
			t.Errorf("tags %q", got)
		}
	}
	if n := strings.Count(log.String(), "tags could not be fetched"); n != 1 {
		t.Errorf("warned %d times: %s", n, log.String())
	}
	refuse = false
	if got := gittest.Git(t, mustHistory(t, m, rev, 5), "tag"); got != "light\nv1" {
		t.Errorf("tags %q", got)
	}
}
