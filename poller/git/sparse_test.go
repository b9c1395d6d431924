package git

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/sparse"
)

// counting is a server that counts what it is asked for and what it sends.
type counting struct {
	mu       sync.Mutex
	requests []string // METHOD, how many wants, whether there is a filter
	bytes    int
}

func (c *counting) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests, c.bytes = nil, 0
}

// filtering serves a repository, which leaves out blobs when it is asked to.
func filtering(t *testing.T, r *gittest.Repo) (*Mirror, *counting) {
	t.Helper()
	r.Bare("config", "uploadpack.allowFilter", "true")
	return counted(t, r)
}

func counted(t *testing.T, r *gittest.Repo) (*Mirror, *counting) {
	t.Helper()
	c := &counting{}
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(req.Body)
		c.mu.Lock()
		c.requests = append(c.requests, fmt.Sprintf("%s %d %v", req.Method, strings.Count(body.String(), "want "), strings.Contains(body.String(), "filter blob:none")))
		c.mu.Unlock()
		req.Body = http.NoBody
		req = req.Clone(req.Context())
		req.Body, req.ContentLength = readCloser{&body}, int64(body.Len())
		backend.ServeHTTP(&countingWriter{w, c}, req)
	}))
	t.Cleanup(server.Close)
	return mirrorOf(t, server.URL+"/repo.git"), c
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

type countingWriter struct {
	http.ResponseWriter
	c *counting
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.bytes += len(p)
	return w.ResponseWriter.Write(p)
}

func list(t *testing.T, entries ...string) *sparse.List {
	t.Helper()
	l, err := sparse.Parse(entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustSparse(t *testing.T, m *Mirror, sha string, o Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withoutGit is a snapshot without what is in .git.
func withoutGit(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := gittest.Snapshot(t, dir)
	maps.DeleteFunc(found, func(name, _ string) bool { return name == ".git" || strings.HasPrefix(name, ".git/") })
	return found
}

// sparseLists are lists for what churn makes.
func sparseLists() [][]string {
	return [][]string{
		{"n1"},
		{"n1/n2/", "n3"},
		{"nowhere"},
		{"n0", "n1", "n2/n4"},
		{"/n1/"},
		{"/*", "!/n1/", "!/n2/", "/n1/n2"},
		{"n3"},
		{"*", "!n3"},
		{"/n*/n1/**", "!n5"},
		{"/nowhere/"},
	}
}

// TestSparseBesideGit follows a history by lists of both forms, on servers of all kinds, into new directories, into kept ones
// and into repositories, and holds the files to what git checks out.
func TestSparseBesideGit(t *testing.T) {
	servers := map[string]func(*testing.T, *gittest.Repo) *Mirror{
		"filters": func(t *testing.T, r *gittest.Repo) *Mirror { t.Helper(); m, _ := filtering(t, r); return m },
		"http":    overHTTP, "path": ways()["path"], "ssh": overSSH,
	}
	for name, reach := range some(servers) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(7, 7))
			r := gittest.New(t)
			if name == "ssh" {
				r.Bare("config", "uploadpack.allowFilter", "true")
			}
			m := reach(t, r)
			var log bytes.Buffer
			m.Log = slog.New(slog.NewTextHandler(&log, nil))
			lists := sparseLists()
			kept := make([]string, len(lists))
			for i := range kept {
				kept[i] = filepath.Join(t.TempDir(), "kept")
			}
			for range gittest.Rounds(3, 2) {
				for range 4 {
					churn(t, r, random)
				}
				sha := r.Commit(map[string]string{"n1/n2/always": fmt.Sprint(random.Int())})
				for i, entries := range lists {
					what := fmt.Sprintf("%s of %.7s", entries, sha)
					l := list(t, entries...)
					want, theirs := gittest.Sparse(t, r, sha, l.Directories(), entries)
					gittest.MustHave(t, what, withoutGit(t, mustSparse(t, m, sha, Options{Sparse: l})), want)
					o := Options{Sparse: l, Reuse: true, Clean: i%2 == 0, DotGit: i%3 == 0}
					if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, kept[i], o); err != nil {
						t.Fatal(err)
					}
					gittest.MustHave(t, what+", kept", withoutGit(t, kept[i]), want)
					if o.DotGit {
						sameToGit(t, kept[i], theirs)
					}
				}
			}
			text := log.String()
			for _, empty := range []string{"git.sparse names directories", "git.sparse selects no file"} { // of the lists with nowhere, and of what has not come yet
				text = strings.ReplaceAll(text, "WARN msg=\""+empty, "")
			}
			if name != "http" && strings.Contains(text, "WARN") || name == "http" && strings.Count(text, "has no partial clone") != 1 {
				t.Errorf("logged %s", text)
			}
		})
	}
}

// sameToGit holds a repository to what git has made.
func sameToGit(t *testing.T, ours, theirs string) {
	t.Helper()
	for _, command := range []string{"status --porcelain", "ls-files -t --stage", "sparse-checkout list", "config --bool core.sparseCheckoutCone", "write-tree"} {
		got, want := gittest.Git(t, ours, strings.Fields(command)...), gittest.Git(t, theirs, strings.Fields(command)...)
		if got != want {
			t.Errorf("git %s: %s, want %s", command, got, want)
		}
	}
	if out := gittest.Fsck(t, ours); out != "" {
		t.Errorf("git fsck: %s", out)
	}
}

// large is a revision of which a hundredth is in one directory.
func large(random uint64) map[string]string {
	files := map[string]string{"top": "1", "api/small": "small", "api/deep/f": "deep"}
	for name, content := range randomFiles(60, 20_000, random) {
		files["other/"+name] = content
	}
	return files
}

// TestSparseBytes counts what is asked for and what comes: in proportion to what is checked out.
func TestSparseBytes(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit(large(1))
	m, c := filtering(t, r)
	o := Options{Sparse: list(t, "api")}
	expect := func(what string, bytes int, requests ...string) {
		t.Helper()
		c.mu.Lock()
		got, n := strings.Join(c.requests, ", "), c.bytes
		c.mu.Unlock()
		if got != strings.Join(requests, ", ") || n > bytes {
			t.Errorf("%s: %d bytes by %s", what, n, got)
		}
		c.forget()
	}
	mustSparse(t, m, first, o)
	expect("first", 8_000, "GET 0 false", "POST 1 true", "POST 3 false")
	mustSparse(t, m, first, o)
	expect("again", 0)
	second := r.Commit(map[string]string{"api/small": "2", "other/d1/f1": "changed"})
	mustSparse(t, m, second, o)
	expect("next", 2_000, "POST 1 true", "POST 1 false")
	third := r.Commit(map[string]string{"other/d1/f1": "changed again"})
	mustSparse(t, m, third, o)
	expect("nothing of it changed", 2_000, "POST 1 true")
	mustSparse(t, m, third, Options{Sparse: list(t, "other/d1")})
	expect("another list", 500_000, "POST 20 false")
	if _, err := m.Changes(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(large(2))}, second, o); err != nil {
		t.Fatal(err)
	}
	expect("what has changed", 8_000, "POST 1 true")
	dir := mustSparse(t, m, third, Options{Sparse: list(t, "api"), DotGit: true, History: ancestry.FullHistory})
	if got := gittest.Git(t, dir, "log", "--format=%h", "--", "other"); len(strings.Fields(got)) != 3 {
		t.Errorf("log %q", got)
	}
	if out := gittest.Fsck(t, dir); out != "" {
		t.Errorf("git fsck: %s", out)
	}
	if got := gittest.Git(t, dir, "show", "HEAD:other/d1/f1"); got != "changed again" {
		t.Errorf("git fetched %q", got)
	}
}
