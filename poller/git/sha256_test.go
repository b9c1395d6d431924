package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

const sha256 = "--object-format=sha256"

// TestSHA256 leads a repository whose objects have names by SHA-256 through the
// life of others: fresh, incremental, kept, with histories and tags.
func TestSHA256(t *testing.T) {
	r := gittest.New(t, sha256)
	var shas []string
	for i := range 5 {
		r.Write(map[string]string{"run": "#!/bin/sh", "sub/deep/file": fmt.Sprint(i), "same": strings.Repeat("a line\n", 500) + fmt.Sprint(i)})
		if err := os.Chmod(filepath.Join(r.Work, "run"), 0o755); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			if err := os.Symlink("run", filepath.Join(r.Work, "link")); err != nil {
				t.Fatal(err)
			}
			r.Write(map[string]string{".gitattributes": "ident ident\n", "ident": "$Id$\n"})
		}
		shas = append(shas, r.Commit(nil))
		r.Git("tag", "--annotate", "--message=x", fmt.Sprint("v", i))
		r.Bare("update-ref", fmt.Sprint("refs/heads/at", i), shas[i]) // servers of version 0 give heads only
	}
	r.PushTags()
	r.Bare("repack", "-a", "-d", "-q")
	for way, reach := range some(historyWays()) {
		t.Run(way, func(t *testing.T) {
			m := reach(t, r)
			if heads := mustHeads(t, m, refs.Head); len(heads) != 1 || heads[0].SHA != shas[4] {
				t.Fatalf("heads: %v", heads)
			}
			kept := filepath.Join(t.TempDir(), "kept", "workdir")
			for _, sha := range []string{shas[1], shas[4], shas[4], shas[0]} {
				want := gittest.Snapshot(t, exported(t, r, sha))
				gittest.MustHave(t, sha, gittest.Snapshot(t, mustCheckout(t, m, sha)), want)
				rev := refs.Revision{Ref: "refs/heads/main", SHA: sha}
				if err := m.Checkout(gittest.Generous(t), rev, kept, Options{Reuse: true}); err != nil {
					t.Fatal(err)
				}
				gittest.MustHave(t, sha+" kept", gittest.Snapshot(t, kept), want)
			}
			for _, history := range []int{1, 2, ancestry.FullHistory} {
				dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: shas[4]}, history)
				mustBeRepository(t, dir, shas[4])
				if got := gittest.Git(t, dir, "rev-parse", "--show-object-format"); got != "sha256" {
					t.Errorf("format %q", got)
				}
				if got, want := gittest.Git(t, dir, "rev-list", "--count", "HEAD"), map[int]string{1: "1", 2: "2"}[history]; want != "" && got != want || want == "" && got != "5" {
					t.Errorf("history %d: %s commits", history, got)
				}
				if history != 1 && gittest.Git(t, dir, "describe") != "v4" {
					t.Error("without its tag")
				}
			}
		})
	}
}

// exported is what git makes of a revision.
func exported(t *testing.T, r *gittest.Repo, sha string) string {
	t.Helper()
	dir := t.TempDir()
	r.Bare("--work-tree="+dir, "checkout", "--quiet", "--force", sha, "--", ".")
	return dir
}

// TestSHA256Submodules has submodules of the same format.
func TestSHA256Submodules(t *testing.T) {
	dir := t.TempDir()
	super, sub := gittest.NewIn(t, dir, "super", sha256), gittest.NewIn(t, dir, "sub", sha256)
	at := sub.Commit(map[string]string{"inside": "1"})
	super.Write(map[string]string{".gitmodules": "[submodule \"sub\"]\n\tpath = sub\n\turl = ../sub.git\n"})
	if err := os.Mkdir(filepath.Join(super.Work, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	super.Git("update-index", "--add", "--cacheinfo", "160000,"+at+",sub")
	sha := super.Commit(nil)
	url := gittest.ServeHTTP(t, dir, gittest.HTTPOptions{})
	m := mirrorOf(t, url+"/super.git")
	target := filepath.Join(t.TempDir(), "workdir")
	find := func(u address.URL) (*Mirror, error) { return mirrorOf(t, u.String()), nil }
	if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, target, Options{Submodules: find}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, target, "sub/inside"); got != "1" {
		t.Errorf("%q in the submodule", got)
	}
}

// TestFormatChanges has a repository made anew in the other format under the
// same address. A revision of the old one is gone then.
func TestFormatChanges(t *testing.T) {
	r := gittest.New(t)
	old := r.Commit(map[string]string{"a": "1"})
	for _, reach := range []func(*testing.T, *gittest.Repo) *Mirror{overHTTP, overSSH, ways()["path"]} {
		m := reach(t, r)
		mustCheckout(t, m, old)
		other := gittest.New(t, sha256)
		sha := other.Commit(map[string]string{"a": "2"})
		if err := os.Rename(r.Dir, r.Dir+".old"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(other.Dir, r.Dir); err != nil {
			t.Fatal(err)
		}
		if heads := mustHeads(t, m, "refs/heads/main"); len(heads) != 1 || heads[0].SHA != sha {
			t.Fatalf("heads: %v", heads)
		}
		if got := read(t, mustCheckout(t, m, sha), "a"); got != "2" {
			t.Errorf("%q of the new one", got)
		}
		if err := os.Rename(r.Dir, other.Dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(r.Dir+".old", r.Dir); err != nil {
			t.Fatal(err)
		}
	}
	m := overHTTP(t, r)
	if err := mustFail(t, m, strings.Repeat("12", 32)); !strings.Contains(err.Error(), remote.ErrMoved.Error()) {
		t.Error(err)
	}
}
