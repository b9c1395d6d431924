package git

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestOddHistory takes a past that no checkout could show.
func TestOddHistory(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	blob := r.Bare("rev-parse", "main:a")
	odd := gittest.RawTree(t, r, "100644", ".git", blob, "100644", "a", blob)
	past := r.Bare("commit-tree", "-m", "odd", odd)
	sha := r.Bare("commit-tree", "-m", "sound", "-p", past, "main^{tree}")
	r.Bare("update-ref", "refs/heads/main", sha)
	for _, m := range []*Mirror{overHTTP(t, r), mirrorOf(t, r.Dir)} {
		dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
		mustBeAsCloned(t, dir, r, "main", ancestry.FullHistory)
		if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: past}, dir+"-past", Options{DotGit: true, History: ancestry.FullHistory}); err == nil {
			t.Error("checked out .git")
		}
	}
}

// TestLyingTags has a server say that a tag leads elsewhere.
func TestLyingTags(t *testing.T) {
	r, sha := gittest.ThreeCommits(t)
	r.Bare("tag", "--annotate", "--message=x", "v1", "main~1")
	r.Bare("tag", "--annotate", "--message=x", "v2", "main~1")
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answer := httptest.NewRecorder()
		backend.ServeHTTP(answer, req)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		_, _ = io.WriteString(w, strings.Replace(answer.Body.String(), "v1 peeled:"+r.SHA("main~1"), "v1 peeled:"+r.SHA("main"), 1))
	}))
	t.Cleanup(server.Close)
	m := mirrorOf(t, server.URL+"/repo.git")
	for _, history := range []int{3, ancestry.FullHistory} {
		dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, history)
		mustBeRepository(t, dir, sha)
		if got := gittest.Git(t, dir, "tag"); got != "v2" {
			t.Errorf("tags %s", got)
		}
	}
}

// TestDeepHistory walks many commits, each upon the one before.
func TestDeepHistory(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	var stream strings.Builder
	const commits = 10_000
	for i := range commits {
		fmt.Fprintf(&stream, "commit refs/heads/main\nmark :%d\ncommitter x <x@example.com> %d +0000\ndata 1\nx\n", i+1, 1700000000+i)
		if i > 0 {
			fmt.Fprintf(&stream, "from :%d\n", i)
		}
		if i%1000 == 0 {
			fmt.Fprintf(&stream, "M 100644 inline f%d\ndata 1\nx\n", i/1000)
		}
		stream.WriteString("\n")
	}
	gittest.GitInput(t, r.Dir, stream.String(), "fast-import", "--quiet")
	for history, m := range map[int]*Mirror{ancestry.FullHistory: overHTTP(t, r), commits * 7 / 10: mirrorOf(t, r.Dir)} {
		dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: r.Bare("rev-parse", "main")}, history)
		want := fmt.Sprint(commits)
		if history > 0 {
			want = fmt.Sprint(history)
		}
		if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != want {
			t.Errorf("%s commits, want %s", got, want)
		}
	}
}

// TestLocalHistory leaves a repository of this host as it is, whatever it looks
// like, and heeds the limit.
func TestLocalHistory(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	large := randomText(1, pack.StreamAbove+1000) // which streams
	r.Commit(map[string]string{"large": large, "a": "1"})
	r.Bare("gc", "--quiet")
	r.Commit(map[string]string{"large": large + "2", "b": "2"})
	sha := r.Commit(map[string]string{"b": "3"})
	borrowing := filepath.Join(t.TempDir(), "borrowing")
	gittest.Git(t, r.Dir, "clone", "--quiet", "--shared", r.Dir, borrowing)
	shallowed := filepath.Join(t.TempDir(), "shallowed")
	gittest.Git(t, r.Dir, "clone", "--quiet", "--depth=2", "file://"+r.Dir, shallowed)
	before := fileContents(t, r.Dir)
	for path, commits := range map[string]string{r.Dir: "3", borrowing: "3", shallowed: "2"} {
		dir := mustHistory(t, mirrorOf(t, path), refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
		mustBeRepository(t, dir, sha)
		if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != commits {
			t.Errorf("%s: %s commits", path, got)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git", "objects", "info", "alternates")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("borrows: %v", err)
		}
	}
	if !slices.Equal(before, fileContents(t, r.Dir)) {
		t.Error("the repository changed")
	}
	m := mirrorOf(t, r.Dir)
	m.MaxSize = 10 << 10
	err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, filepath.Join(t.TempDir(), "workdir"), Options{DotGit: true})
	if !errors.Is(err, disk.ErrTooMuch) {
		t.Errorf("beyond the limit: %v", err)
	}
}
