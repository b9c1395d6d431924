package worktree

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/index/indextest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// writeStats is a checkout that keeps what the file system says of its files.
func writeStats(t *testing.T, r *gittest.Repo, sha, dir string, owner *safedir.Owner) *TreeWriter {
	t.Helper()
	ctx := gittest.Generous(t)
	s, err := odb.Open(r.Dir, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := s.Reader().Read
	id, _ := object.ParseID(sha)
	_, tree, err := object.CommitOf(ctx, id, read)
	if err != nil {
		t.Fatal(err)
	}
	p, err := makePlan(ctx, tree, read)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewTreeWriter(dir, p, FileOptions{Limit: 1 << 30, Owner: owner, Stats: true})
	if err == nil {
		err = w.Finish(context.WithoutCancel(ctx), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestIndexForGit has git work with an index that it did not write.
func TestIndexForGit(t *testing.T) {
	r := gittest.New(t)
	sha := gittest.OddTree(t, r)
	work := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	w := writeStats(t, r, sha, work, nil)
	bare := filepath.Join(t.TempDir(), "bare")
	gittest.Git(t, r.Dir, "clone", "--quiet", "--no-checkout", r.Dir, bare)
	if err := os.Rename(filepath.Join(bare, ".git"), filepath.Join(work, ".git")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(work, ".git", "index")
	if err := os.WriteFile(path, index.Encode(w.Plan.Index(w.Plan.Whole(), w.Found)), 0o600); err != nil {
		t.Fatal(err)
	}
	// Before git looks at a file, so that nothing but the index can know it.
	before := gittest.Git(t, work, "ls-files", "--stage", "--debug", "-z")
	if out := gittest.Git(t, work, "status", "--porcelain", "--ignored"); out != "" {
		t.Errorf("git status: %s", out)
	}
	if out := gittest.Git(t, work, "diff-files", "--raw"); out != "" {
		t.Errorf("git diff-files: %s", out)
	}
	gittest.Git(t, work, "fsck", "--cache", "--no-dangling")
	if tree := gittest.Git(t, work, "write-tree"); tree != r.SHA("HEAD^{tree}") {
		t.Errorf("git write-tree: %s", tree)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, work, "read-tree", "HEAD")
	gits, own := treePaths(indextest.Read(t, path).Trees), treePaths(w.Plan.Index(w.Plan.Whole(), nil).Trees)
	if len(own) < 50 || !maps.Equal(gits, own) {
		t.Errorf("git's trees are %v, want %v", gits, own)
	}
	gittest.Git(t, work, "update-index", "--really-refresh")
	if after := gittest.Git(t, work, "ls-files", "--stage", "--debug", "-z"); after != before {
		t.Errorf("git writes another index:\n%s\nnot\n%s", after, before)
	}
	if !reflect.DeepEqual(indextest.Read(t, path).Entries, w.Plan.Index(w.Plan.Whole(), w.Found).Entries) {
		t.Error("git's entries are read as others")
	}
}

// treePaths are the trees by path, since git orders them in another way.
func treePaths(trees []index.Tree) map[string]string {
	found := map[string]string{}
	var walk func(above string)
	walk = func(above string) {
		tree := trees[0]
		trees = trees[1:]
		path := above + tree.Name + "/"
		found[path] = fmt.Sprint(tree.Entries, tree.Below, tree.ID)
		for range tree.Below {
			walk(path)
		}
	}
	walk("")
	return found
}
