//go:build unix

package git

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

func TestLocalLayouts(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	other := r.Git("commit-tree", "-m", "other", "HEAD^{tree}")
	dir := t.TempDir()
	linked, borrowing, submodule := filepath.Join(dir, "linked"), filepath.Join(dir, "borrowing"), filepath.Join(dir, "submodule")
	r.Git("worktree", "add", "--quiet", "-b", "linked", linked, other)
	r.Git("clone", "--quiet", "--shared", r.Dir, borrowing)
	r.Git("clone", "--quiet", "--separate-git-dir", filepath.Join(dir, "separate"), r.Dir, submodule)
	for path, want := range map[string]refs.Revision{
		r.Work:                            {Ref: "refs/heads/main", SHA: sha},
		filepath.Join(r.Work, ".git"):     {Ref: "refs/heads/main", SHA: sha},
		r.Dir:                             {Ref: "refs/heads/main", SHA: sha},
		strings.TrimSuffix(r.Dir, ".git"): {Ref: "refs/heads/main", SHA: sha},
		linked:                            {Ref: "refs/heads/linked", SHA: other},
		borrowing:                         {Ref: "refs/heads/main", SHA: sha},
		submodule:                         {Ref: "refs/heads/main", SHA: sha},
	} {
		m := mirrorOf(t, path)
		if got := mustHeads(t, m, "HEAD"); !slices.Equal(got, []refs.Revision{want}) {
			t.Errorf("%s: %v", path, got)
		}
		if out := mustCheckout(t, m, want.SHA); read(t, out, "a") != "1" {
			t.Errorf("%s: wrong tree", path)
		}
	}
	relative, err := filepath.Rel(filepath.Join(borrowing, ".git", "objects"), filepath.Join(r.Dir, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	gittest.Write(t, filepath.Join(borrowing, ".git", "objects", "info", "alternates"), "# comment\n"+relative+"\n")
	mustCheckout(t, mirrorOf(t, borrowing), sha)
}

func TestLocalPacked(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1", "sub/b": "2"})
	r.Bare("gc", "--quiet")
	r.Bare("symbolic-ref", "refs/heads/alias", "refs/heads/main")
	m := mirrorOf(t, r.Dir)
	want := []refs.Revision{{Ref: "refs/heads/alias", SHA: sha}, {Ref: "refs/heads/main", SHA: sha}}
	if got := mustHeads(t, m, "refs/heads/*"); !slices.Equal(got, want) {
		t.Errorf("packed: %v", got)
	}
	mustCheckout(t, m, sha)
	newer := r.Commit(map[string]string{"a": "2"})
	gittest.Write(t, filepath.Join(r.Dir, "refs", "heads", "main.lock"), "")
	gittest.Write(t, filepath.Join(r.Dir, "refs", "heads", "empty"), "")
	gittest.Write(t, filepath.Join(r.Dir, "refs", "heads", "damaged"), "nonsense")
	want = []refs.Revision{{Ref: "refs/heads/alias", SHA: newer}, {Ref: "refs/heads/main", SHA: newer}}
	if got := mustHeads(t, m, "refs/heads/*"); !slices.Equal(got, want) {
		t.Errorf("a loose ref over a packed one: %v", got)
	}
}

func TestLocalOfAnotherOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("needs root to give a repository away: the rest of the test runs on an own one")
	}
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	if os.Getuid() == 0 {
		err := filepath.WalkDir(r.Dir, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, 12345, 12345))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mustCheckout(t, mirrorOf(t, r.Dir), sha)
}

func TestLocalRefused(t *testing.T) {
	dir := t.TempDir()
	gittest.Git(t, dir, "init", "--quiet", "--bare", "reftable")
	gittest.Git(t, filepath.Join(dir, "reftable"), "config", "extensions.refStorage", "reftable")
	gittest.Git(t, dir, "init", "--quiet", "damaged")
	gittest.Write(t, filepath.Join(dir, "damaged", ".git", "HEAD"), "nonsense")
	gittest.Write(t, filepath.Join(dir, "plain", "file"), "")
	gittest.Write(t, filepath.Join(dir, "gitfile", ".git"), "nonsense")
	gittest.Git(t, dir, "init", "--quiet", "fifo")
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo", ".git", "refs", "heads", "main"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"nowhere":  "no such file",
		"plain":    "not a git repository",
		"gitfile":  "not a git repository",
		"reftable": "reftable",
		"damaged":  "HEAD is damaged",
		"fifo":     remote.ErrEmpty.Error(),
	} {
		headsFail(t, mirrorOf(t, filepath.Join(dir, name)), want, name)
	}
}

// TestOldIndexes reads packs of this host with indexes of version 1.
func TestOldIndexes(t *testing.T) {
	r := gittest.New(t)
	sha := r.History(map[string]string{"a": randomText(1, 5000)}, map[string]string{"a": randomText(1, 5100), "d/b": "2"})[1]
	r.Bare("-c", "pack.indexVersion=1", "repack", "-adfq")
	r.Bare("update-server-info")
	packs, _ := filepath.Glob(filepath.Join(r.Dir, "objects", "pack", "*.idx"))
	if head, err := os.ReadFile(packs[0]); len(packs) != 1 || err != nil || head[0] == 0xff {
		t.Fatalf("%v: no index of version 1: %v", packs, err)
	}
	static := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(r.Dir))))
	t.Cleanup(static.Close)
	for _, url := range []string{r.Dir, static.URL + "/repo.git"} {
		m := mirrorOf(t, url)
		mustEqual(t, m, r, sha)
		dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
		mustBeRepository(t, dir, sha)
	}
}

// TestEmptyTrees makes no directory of a tree that holds nothing, which a
// repository need not have.
func TestEmptyTrees(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	blob := r.Bare("rev-parse", "main:a")
	empty := gittest.GitInput(t, r.Dir, "", "hash-object", "-t", "tree", "--stdin")
	for _, stored := range []bool{false, true} {
		if stored {
			gittest.GitInput(t, r.Dir, "", "hash-object", "-w", "-t", "tree", "--stdin")
		}
		inner := gittest.GitInput(t, r.Dir, "040000 tree "+empty+"\tnothing\n100644 blob "+blob+"\tfile\n", "mktree", "--missing")
		tree := gittest.GitInput(t, r.Dir, "040000 tree "+empty+"\tempty\n040000 tree "+inner+"\tinner\n", "mktree", "--missing")
		sha := r.Bare("commit-tree", "-m", "x", tree)
		r.Bare("update-ref", "refs/heads/main", sha)
		for way, reach := range ways() {
			m := reach(t, r)
			dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, 1)
			mustBeRepository(t, dir, sha)
			for _, name := range []string{"empty", "inner/nothing"} {
				if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%s, stored %v: %s is there", way, stored, name)
				}
			}
			k := keep(t, m, Options{Clean: true})
			k.update(t, sha)
			gittest.MustHave(t, way, gittest.Snapshot(t, k.dir), gittest.Exported(t, r, sha))
		}
	}
}
