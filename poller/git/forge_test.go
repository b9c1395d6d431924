package git

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// forge is a directory of repositories that have each other as submodules.
type forge struct {
	root  string
	repos map[string]*gittest.Repo

	mu     sync.Mutex
	clones map[string]map[string]string // by commit
}

func newForge(t *testing.T, names ...string) *forge {
	t.Helper()
	f := &forge{root: t.TempDir(), repos: map[string]*gittest.Repo{}, clones: map[string]map[string]string{}}
	for _, name := range names {
		f.repos[name] = gittest.NewIn(t, f.root, name)
		f.repos[name].Commit(map[string]string{name: "of " + name})
	}
	return f
}

// ways are the addresses that the repositories are reached below, with
// what a mirror needs for them.
func (f *forge) ways() map[string]func(t *testing.T) (string, *pool) {
	return map[string]func(t *testing.T) (string, *pool){
		"path": func(t *testing.T) (string, *pool) { t.Helper(); return f.root, newPool(t) },
		"file": func(t *testing.T) (string, *pool) { t.Helper(); return "file://" + f.root, newPool(t) },
		"http": f.overHTTP,
		"ssh": func(t *testing.T) (string, *pool) {
			t.Helper()
			server := gittest.ServeSSH(t, f.root)
			p := newPool(t)
			p.home = server.Home
			return strings.TrimSuffix(server.URL(""), "/"), p
		},
	}
}

func (f *forge) overHTTP(t *testing.T) (string, *pool) {
	t.Helper()
	return gittest.ServeHTTP(t, f.root, gittest.HTTPOptions{}), newPool(t)
}

// link makes a submodule of a repository at a commit; "" is where its main is.
func (f *forge) link(t *testing.T, in, path, url, sha string) {
	t.Helper()
	r := f.repos[in]
	if sha == "" {
		sha = f.repos[strings.TrimSuffix(filepath.Base(url), ".git")].SHA("HEAD")
	}
	if err := os.MkdirAll(filepath.Join(r.Work, path), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+sha+","+path)
	r.Git("config", "--file", ".gitmodules", "submodule."+path+".path", path)
	r.Git("config", "--file", ".gitmodules", "submodule."+path+".url", url)
}

// linked is link and a commit of it.
func (f *forge) linked(t *testing.T, in, path, url string) string {
	t.Helper()
	f.link(t, in, path, url, "")
	return f.repos[in].Commit(nil)
}

// cloned is what git makes of a revision of super and its submodules.
func (f *forge) cloned(t *testing.T, sha string) map[string]string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.clones[sha]; known != nil {
		return known
	}
	dir := filepath.Join(t.TempDir(), "cloned")
	gittest.Git(t, f.root, "clone", "--quiet", "--no-checkout", filepath.Join(f.root, "super.git"), dir)
	gittest.Git(t, dir, "checkout", "--quiet", "--detach", sha)
	gittest.Git(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
	found := gittest.Snapshot(t, dir)
	maps.DeleteFunc(found, func(path, _ string) bool {
		return path == ".git" || strings.HasPrefix(path, ".git/") || strings.HasSuffix(path, "/.git")
	})
	f.clones[sha] = found
	return found
}

// equal compares a checkout of super with what git makes of the same.
func (f *forge) equal(t *testing.T, m *Mirror, p *pool, sha string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{Submodules: p.get}); err != nil {
		t.Fatal(err)
	}
	assertClean(t, m, dir)
	found, want := gittest.Snapshot(t, dir), f.cloned(t, sha)
	for path := range maps.Keys(want) {
		if found[path] != want[path] {
			t.Errorf("%q is %.80q, want %.80q", path, found[path], want[path])
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d entries, want %d", len(found), len(want))
	}
	for _, m := range append(p.all(), m) {
		if !m.URL.Local() {
			mustBeSound(t, m)
		}
	}
	return dir
}

// fails is a checkout that must not succeed, and leaves nothing.
func (p *pool) fails(t *testing.T, m *Mirror, sha string, wants ...string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workdir")
	err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{Submodules: p.get})
	if err == nil {
		t.Fatal("checked out")
	}
	if _, statErr := os.Lstat(dir); statErr == nil {
		t.Errorf("%s exists after %v", dir, err)
	}
	assertClean(t, m, dir)
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if errors.Is(err, remote.ErrMoved) || errors.Is(err, remote.ErrEmpty) {
		t.Errorf("%v is said of the revision itself", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v shows a password", err)
	}
}

// pool has the mirrors of submodules.
type pool struct {
	t         *testing.T
	transport http.RoundTripper
	home      string
	auth      map[string]remote.Auth // by address
	refused   map[string]error

	mu      sync.Mutex
	mirrors map[address.URL]*Mirror
	asked   []string
}

func newPool(t *testing.T) *pool {
	t.Helper()
	transport := remote.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return &pool{t: t, transport: transport, auth: map[string]remote.Auth{}, refused: map[string]error{}, mirrors: map[address.URL]*Mirror{}}
}

// get is what Options.Submodules takes.
func (p *pool) get(u address.URL) (*Mirror, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, u.String())
	if err := p.refused[u.String()]; err != nil {
		return nil, err
	}
	if p.mirrors[u] == nil {
		p.mirrors[u] = &Mirror{URL: u, Dir: filepath.Join(p.t.TempDir(), "mirror"), Transport: p.transport, Home: p.home, Auth: p.auth[u.String()]}
	}
	return p.mirrors[u], nil
}

// at is the mirror of an address.
func (p *pool) at(url string) *Mirror {
	p.t.Helper()
	u, err := address.ParseURL(url)
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := p.get(u)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *pool) all() []*Mirror {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Mirror
	for _, m := range p.mirrors {
		all = append(all, m)
	}
	return all
}

// guarded serves a forge to who has a password, and tells which repositories
// were asked for, and with credentials.
func (f *forge) guarded(t *testing.T, o gittest.HTTPOptions) (url string, sent func() (asked, authorized []string)) {
	t.Helper()
	var mu sync.Mutex
	var asked, authorized []string
	handler := gittest.HTTPHandler(t, f.root, o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repo := strings.Split(r.URL.Path, "/")[1]
		mu.Lock()
		asked = append(asked, repo)
		if len(r.Header["Authorization"]) > 0 {
			authorized = append(authorized, repo)
		}
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() ([]string, []string) {
		mu.Lock()
		defer mu.Unlock()
		return asked, authorized
	}
}
