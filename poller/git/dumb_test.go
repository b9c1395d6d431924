package git

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// serveFiles serves the files of repositories by a web server that knows
// nothing of git.
func serveFiles(t *testing.T, r *gittest.Repo) (url string, sent *atomic.Int64) {
	t.Helper()
	sent = &atomic.Int64{}
	files := http.FileServer(http.Dir(filepath.Dir(r.Dir)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		sent.Add(1)
		if path, moved := strings.CutPrefix(req.URL.Path, "/moved/"); moved {
			http.Redirect(w, req, "/"+path+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		files.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/repo.git", sent
}

// TestDumbHTTP lives a life on a server without git: loose objects and packs,
// each checkout as git clones it.
func TestDumbHTTP(t *testing.T) {
	for _, history := range []int{1, 3, ancestry.FullHistory} {
		r := gittest.New(t)
		url, _ := serveFiles(t, r)
		m, moved := mirrorOf(t, url), mirrorOf(t, strings.Replace(url, "/repo", "/moved/repo", 1))
		random := rand.New(rand.NewPCG(7, 7))
		look := func(step string) {
			t.Helper()
			r.Bare("update-server-info")
			sha := r.SHA("HEAD")
			if got := gittest.Git(t, r.Work, "ls-remote", url, "HEAD"); !strings.HasPrefix(got, sha) {
				t.Fatalf("%s: git: %s", step, got)
			}
			got := mustHeads(t, m, "HEAD", "refs/heads/**")
			if len(got) != 1 || got[0] != (refs.Revision{Ref: "refs/heads/main", SHA: sha}) {
				t.Fatalf("%s: %v", step, got)
			}
			dir := mustHistory(t, m, got[0], history)
			if history != ancestry.FullHistory {
				mustBeRepository(t, dir, sha)
				return
			}
			mustBeAsCloned(t, dir, r, "main", history)
			mustBeRepository(t, mustHistory(t, moved, got[0], history), sha)
		}
		r.Commit(map[string]string{"a": "1", "d/b": "2", "empty": ""})
		look("first, loose")
		grow(t, r, random)
		r.Bare("repack", "-a", "-d")
		look("packed")
		r.Commit(map[string]string{"a": "2"})
		r.Bare("tag", "--annotate", "--message=x", "v1", r.SHA("HEAD"))
		r.Bare("tag", "light", r.SHA("HEAD~1"))
		look("loose upon packed, with tags")
		r.Commit(map[string]string{"a": "3"})
		r.Bare("repack", "-d")
		look("two packs")
		r.Bare("tag", "--delete", "v1")
		r.Reset("HEAD~2")
		look("rewound")
		r.Commit(map[string]string{"c": "force"})
		look("forced")
		mustKeepSound(t, m)
	}
}

func TestDumbHTTPRefusals(t *testing.T) {
	r := gittest.New(t)
	url, sent := serveFiles(t, r)
	r.Bare("update-server-info")
	if _, err := mirrorOf(t, url).Heads(gittest.Generous(t), refs.Patterns{"HEAD"}); !errors.Is(err, remote.ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	sha := r.Commit(map[string]string{"a": strings.Repeat("incompressible? ", 100), "b": "1"})
	r.Bare("update-server-info")
	if err := mustFail(t, mirrorOf(t, url), strings.Repeat("12", 20)); !errors.Is(err, remote.ErrMoved) {
		t.Errorf("no such commit: %v", err)
	}
	small := mirrorOf(t, url)
	small.MaxSize = 100
	if err := mustFail(t, small, sha); !errors.Is(err, disk.ErrTooMuch) {
		t.Errorf("small: %v", err)
	}
	// Once it is known, looks do not ask in another way first.
	m := mirrorOf(t, url)
	mustHeads(t, m, "HEAD")
	sent.Store(0)
	mustHeads(t, m, "HEAD")
	if n := sent.Load(); n != 2 { // info/refs, HEAD
		t.Errorf("%d requests", n)
	}
	blob := r.Bare("rev-parse", sha+":b")
	loose := filepath.Join(r.Dir, "objects", blob[:2], blob[2:])
	content, err := os.ReadFile(filepath.Join(r.Dir, "objects", sha[:2], sha[2:]))
	if err != nil || os.Chmod(loose, 0o600) != nil || os.WriteFile(loose, content, 0o600) != nil {
		t.Fatal(err)
	}
	if err := mustFail(t, mirrorOf(t, url), sha); !strings.Contains(err.Error(), "damaged on the server") {
		t.Errorf("another object in its place: %v", err)
	}
	if err := os.Remove(loose); err != nil {
		t.Fatal(err)
	}
	gittest.Write(t, filepath.Join(r.Dir, "objects", "info", "alternates"), "/elsewhere\n")
	if err := mustFail(t, mirrorOf(t, url), sha); !strings.Contains(err.Error(), "borrows from others") {
		t.Errorf("alternates: %v", err)
	}
}

// TestDumbHTTPAtOnce has a server answer when several objects were asked for,
// and counts that each is asked for once.
func TestDumbHTTPAtOnce(t *testing.T) {
	r := gittest.New(t)
	want := map[string]string{}
	for i := range 40 {
		want[fmt.Sprintf("d%d/f%02d", i%2, i)] = fmt.Sprint("content ", i)
	}
	sha := r.Commit(want)
	r.Bare("update-server-info")
	files := http.FileServer(http.Dir(filepath.Dir(r.Dir)))
	var mu sync.Mutex
	asked, waiting, most := map[string]int{}, 0, 0
	enough := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name, isObject := strings.CutPrefix(req.URL.Path, "/repo.git/objects/")
		mu.Lock()
		if isObject {
			asked[name]++
		}
		waiting++
		if most = max(most, waiting); most == 8 {
			select {
			case <-enough:
			default:
				close(enough)
			}
		}
		hold := len(asked) > 5 // commit, three trees and what comes first of them
		mu.Unlock()
		if hold {
			select {
			case <-enough:
			case <-time.After(time.Minute):
				t.Error("objects are asked for one by one")
			}
		}
		mu.Lock()
		waiting--
		mu.Unlock()
		files.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	mustEqual(t, mirrorOf(t, server.URL+"/repo.git"), r, sha)
	if most > 8 || len(asked) != 44 {
		t.Errorf("%d objects, %d at once", len(asked), most)
	}
	for name, times := range asked {
		if times != 1 && name != sha[:2]+"/"+sha[2:] {
			t.Errorf("%s: asked for %d times", name, times)
		}
	}
}
