package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/secret"
)

// lfsRepo is a repository with Git LFS, and its server.
type lfsRepo struct {
	*gittest.Repo
	lfs *gittest.LFS
	url string
	log bytes.Buffer
}

// withLFS is one that only who knows the secret may read.
func withLFS(t *testing.T) *lfsRepo {
	t.Helper()
	r := &lfsRepo{Repo: gittest.New(t), lfs: &gittest.LFS{}}
	r.lfs.Next = gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{User: "me", Password: Secret})
	r.lfs.OnBatch = func(w http.ResponseWriter, req *http.Request) bool {
		if _, password, _ := req.BasicAuth(); password == Secret {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	server := httptest.NewServer(r.lfs)
	t.Cleanup(server.Close)
	r.url = server.URL + "/repo.git"
	return r
}

func (r *lfsRepo) mirror(t *testing.T) *Mirror {
	t.Helper()
	m := mirrorOf(t, r.url)
	m.Auth = func(context.Context, string) (string, secret.Text, error) { return "me", secret.New(Secret), nil }
	r.log.Reset()
	m.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	return m
}

// commit commits files, of which those that begin with "LFS " are on the server.
func (r *lfsRepo) commit(files map[string]string) string {
	for name, content := range files {
		if strings.HasPrefix(content, "LFS ") {
			files[name] = r.lfs.Add(content)
		}
	}
	files[".gitattributes"] = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
	return r.Commit(files)
}

func (r *lfsRepo) asked(t *testing.T, batches, objects int) {
	t.Helper()
	if b, o := r.lfs.Asked(); len(b) != batches || len(o) != objects {
		t.Errorf("asked %q for objects %q, want %d and %d", b, o, batches, objects)
	}
}

func lfsCheckout(t *testing.T, m *Mirror, sha, dir string, o Options) error {
	t.Helper()
	return m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o)
}

func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, content := range want {
		if got := read(t, dir, name); got != content {
			t.Errorf("%s is %.80q, want %.80q", name, got, content)
		}
	}
}

// TestLFS follows a repository: what is there is asked for once, whatever wants it.
func TestLFS(t *testing.T) {
	r := withLFS(t)
	m := r.mirror(t)
	big := "LFS " + strings.Repeat("0123456789abcdef", 200_000)
	first := r.commit(map[string]string{"a.bin": "LFS one", "b.bin": "LFS two", "same.bin": "LFS one", "big.bin": big, "plain.bin": "no pointer", "c.txt": r.lfs.Add("LFS text"), "empty.bin": ""})
	dir := mustSparse(t, m, first, Options{LFS: true})
	holds(t, dir, map[string]string{"a.bin": "LFS one", "b.bin": "LFS two", "same.bin": "LFS one", "big.bin": big, "plain.bin": "no pointer", "c.txt": gittest.LFSPointer("LFS text"), "empty.bin": ""})
	r.asked(t, 1, 3)
	kept := filepath.Join(t.TempDir(), "kept")
	for range 2 {
		if err := lfsCheckout(t, m, first, kept, Options{LFS: true, Reuse: true, DotGit: true}); err != nil {
			t.Fatal(err)
		}
		r.asked(t, 0, 0)
	}
	if got := gittest.Git(t, kept, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
	before := modified(t, kept)
	second := r.commit(map[string]string{"b.bin": "LFS three", "d/e.bin": "LFS four"})
	if err := os.RemoveAll(filepath.Clean(m.Dir) + lfsInfix); err != nil { // what has not changed needs nothing of it
		t.Fatal(err)
	}
	if err := lfsCheckout(t, m, second, kept, Options{LFS: true, Reuse: true, DotGit: true}); err != nil {
		t.Fatal(err)
	}
	r.asked(t, 1, 2)
	holds(t, kept, map[string]string{"a.bin": "LFS one", "b.bin": "LFS three", "d/e.bin": "LFS four", "big.bin": big})
	if after := modified(t, kept); after["a.bin"] != before["a.bin"] || after["big.bin"] != before["big.bin"] {
		t.Error("a file was touched that has not changed")
	}
	gittest.Write(t, filepath.Join(kept, "a.bin"), "spoilt by an action")
	if err := lfsCheckout(t, m, second, kept, Options{LFS: true, Reuse: true}); err != nil {
		t.Fatal(err)
	}
	r.asked(t, 1, 1)
	holds(t, kept, map[string]string{"a.bin": "LFS one"})
	if r.log.Len() > 0 {
		t.Errorf("logged %s", r.log.String())
	}
	// Without the key pointers stay, also where there was a content, and one warning names the key.
	for range 2 {
		if err := lfsCheckout(t, m, second, kept, Options{Reuse: true}); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, kept, map[string]string{"a.bin": gittest.LFSPointer("LFS one")})
	if text := r.log.String(); strings.Count(text, "git.lfs: true") != 1 || strings.Count(text, "\n") != 1 {
		t.Errorf("logged %s", text)
	}
}

func modified(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	all := map[string]time.Time{}
	for name := range gittest.Snapshot(t, dir) {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			all[name] = info.ModTime()
		}
	}
	return all
}

// TestLFSSparse fetches only what is checked out.
func TestLFSSparse(t *testing.T) {
	r := withLFS(t)
	r.Bare("config", "uploadpack.allowFilter", "true")
	sha := r.commit(map[string]string{"api/a.bin": "LFS api", "web/b.bin": "LFS web", "web/c.bin": "LFS more"})
	m := r.mirror(t)
	holds(t, mustSparse(t, m, sha, Options{LFS: true, Sparse: list(t, "/api/")}), map[string]string{"api/a.bin": "LFS api"})
	r.asked(t, 1, 1)
	holds(t, mustSparse(t, m, sha, Options{LFS: true, Sparse: list(t, "web")}), map[string]string{"web/b.bin": "LFS web"})
	r.asked(t, 1, 2)
}

// TestLFSLocal takes what a repository on this host has of its own.
func TestLFSLocal(t *testing.T) {
	r := withLFS(t)
	sha := r.commit(map[string]string{"a.bin": "LFS one"})
	m := mirrorOf(t, r.Dir)
	if err := lfsCheckout(t, m, sha, filepath.Join(t.TempDir(), "w"), Options{LFS: true}); err == nil || !strings.Contains(err.Error(), `"a.bin": Git LFS object`) || !strings.Contains(err.Error(), "git lfs fetch --all there") {
		t.Errorf("got %v", err)
	}
	p, _ := lfs.Parse([]byte(gittest.LFSPointer("LFS one")))
	gittest.Write(t, filepath.Join(r.Dir, "lfs", "objects", p.OID[:2], p.OID[2:4], p.OID), "LFS one")
	holds(t, mustSparse(t, m, sha, Options{LFS: true}), map[string]string{"a.bin": "LFS one"})
	gittest.Write(t, filepath.Join(r.Dir, "lfs", "objects", p.OID[:2], p.OID[2:4], p.OID), "LFS two")
	if err := os.RemoveAll(filepath.Clean(m.Dir) + lfsInfix); err != nil {
		t.Fatal(err)
	}
	if err := lfsCheckout(t, m, sha, filepath.Join(t.TempDir(), "w"), Options{LFS: true}); err == nil || !strings.Contains(err.Error(), "another content than its SHA-256 says") {
		t.Errorf("got %v", err)
	}
}

// TestLFSSubmodules asks the server of each repository for what is of it.
func TestLFSSubmodules(t *testing.T) {
	f := newForge(t, "super", "sub")
	server := &gittest.LFS{}
	f.repos["sub"].Commit(map[string]string{".gitattributes": "*.bin filter=lfs\n", "s.bin": server.Add("LFS of sub")})
	sha := f.linked(t, "super", "sub", "../sub.git")
	var asked atomic.Value
	server.OnBatch = func(_ http.ResponseWriter, r *http.Request) bool { asked.Store(r.URL.Path); return false }
	server.Next = gittest.HTTPHandler(t, filepath.Dir(f.repos["super"].Dir), gittest.HTTPOptions{})
	s := httptest.NewServer(server)
	t.Cleanup(s.Close)
	_, p := f.overHTTP(t)
	holds(t, mustSparse(t, p.at(s.URL+"/super.git"), sha, Options{LFS: true, Submodules: p.get}), map[string]string{"sub/s.bin": "LFS of sub"})
	if got := asked.Load(); got != "/sub.git/info/lfs/objects/batch" {
		t.Errorf("asked %v", got)
	}
}

// TestLFSDamage spoils what is stored: it comes again.
func TestLFSDamage(t *testing.T) {
	r := withLFS(t)
	sha := r.commit(map[string]string{"a.bin": "LFS one"})
	m := r.mirror(t)
	mustSparse(t, m, sha, Options{LFS: true})
	stored, _ := filepath.Glob(filepath.Join(filepath.Clean(m.Dir)+lfsInfix, "*", "*"))
	if len(stored) != 1 || os.WriteFile(stored[0], []byte("LFS two"), 0o600) != nil {
		t.Fatal(stored)
	}
	r.asked(t, 1, 1)
	holds(t, mustSparse(t, m, sha, Options{LFS: true}), map[string]string{"a.bin": "LFS one"})
	r.asked(t, 1, 1)
}

// TestLFSBounds refuses what is too large before it asks, and keeps no more than it may.
func TestLFSBounds(t *testing.T) {
	r := withLFS(t)
	sha := r.commit(map[string]string{"a.bin": "LFS " + strings.Repeat("x", 40_000), "b.bin": "LFS " + strings.Repeat("y", 40_000)})
	m := r.mirror(t)
	m.MaxSize = 70_000
	err := lfsCheckout(t, m, sha, filepath.Join(t.TempDir(), "w"), Options{LFS: true})
	if !errors.Is(err, disk.ErrTooMuch) {
		t.Errorf("got %v", err)
	}
	r.asked(t, 0, 0)
	m.MaxSize = 100_000
	mustSparse(t, m, sha, Options{LFS: true})
	mustSparse(t, m, r.commit(map[string]string{"a.bin": "LFS " + strings.Repeat("z", 40_000)}), Options{LFS: true})
	if stored, _ := filepath.Glob(filepath.Join(filepath.Clean(m.Dir)+lfsInfix, "*", "*")); len(stored) != 2 {
		t.Errorf("stored %q", stored)
	}
	m.space = func(string) (disk.Space, error) {
		return disk.Space{Free: disk.MaxReserve + 50_000, Total: 1 << 40}, nil
	}
	sha = r.commit(map[string]string{"a.bin": "LFS " + strings.Repeat("w", 90_000), "b.bin": "x"})
	r.lfs.Asked()
	if err := lfsCheckout(t, m, sha, filepath.Join(t.TempDir(), "w"), Options{LFS: true}); !errors.Is(err, disk.ErrNoRoom) {
		t.Errorf("got %v", err)
	}
	r.asked(t, 0, 0)
}

// TestMuchLFSDamage spoils all that is stored, as when the power fails while it is written: one try puts that right.
func TestMuchLFSDamage(t *testing.T) {
	r := withLFS(t)
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprint(i, ".bin")] = fmt.Sprintf("LFS %0*d", 1<<i, i)
	}
	want := maps.Clone(files)
	sha := r.commit(files)
	m := r.mirror(t)
	mustSparse(t, m, sha, Options{LFS: true})
	stored, _ := filepath.Glob(filepath.Join(filepath.Clean(m.Dir)+lfsInfix, "*", "*"))
	for _, path := range stored {
		info, err := os.Stat(path)
		if err != nil || os.WriteFile(path, make([]byte, info.Size()), 0o600) != nil {
			t.Fatal(path, err)
		}
	}
	r.asked(t, 1, 20)
	holds(t, mustSparse(t, m, sha, Options{LFS: true}), want)
	r.asked(t, 1, 20)
}
