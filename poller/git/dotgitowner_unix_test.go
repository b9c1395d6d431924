//go:build unix

package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestOwnerOfSubmodules gives the repositories of submodules away, and the links
// to them.
func TestOwnerOfSubmodules(t *testing.T) {
	owner := anotherOwner()
	f := newForge(t, "super", "a")
	sha := f.linked(t, "super", "libs/a", "../a.git")
	root, p := f.overHTTP(t)
	dir := filepath.Join(t.TempDir(), "workdir")
	o := Options{DotGit: true, Submodules: p.get, Owner: owner}
	if err := p.at(root+"/super.git").Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o); err != nil {
		t.Fatal(err)
	}
	mustOwn(t, dir, owner)
	mustBeRepository(t, filepath.Join(dir, "libs", "a"), f.repos["a"].SHA("HEAD"))
}

// TestOwnerOfDotGit has git run as the user that files belong to: it refuses to
// where any of it is another's. Nothing of the mirror must have become his.
func TestOwnerOfDotGit(t *testing.T) {
	owner := anotherOwner()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1", "dir/b": "2"})
	r.Git("tag", "--annotate", "--message=x", "v1")
	r.PushTags()
	sha := r.Commit(map[string]string{"a": "2"})
	for _, way := range both() {
		m := ways()[way](t, r)
		root := t.TempDir()
		for _, above := range []string{filepath.Dir(root), root} {
			if err := os.Chmod(above, 0o711); err != nil {
				t.Fatal(err)
			}
		}
		dir := filepath.Join(root, "workdir")
		o := Options{DotGit: true, History: ancestry.FullHistory, Owner: owner}
		if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o); err != nil {
			t.Fatal(err)
		}
		mustOwn(t, dir, owner)
		for command, want := range map[string]string{
			"diff-files":         "",
			"status --porcelain": "",
			"rev-parse HEAD":     sha,
			"describe":           "v1-1-g" + sha[:7],
			"gc --quiet":         "",
			"fsck --full":        "",
		} {
			git := exec.CommandContext(t.Context(), "git", strings.Fields(command)...)
			git.Dir = dir
			for _, variable := range gittest.Environ() {
				if !strings.HasPrefix(variable, "GIT_CONFIG_") { // one of which trusts all owners
					git.Env = append(git.Env, variable)
				}
			}
			git.Env = append(git.Env, fmt.Sprint("SUDO_UID=", owner.UID)) // to git, root is that user then
			if out, err := git.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
				t.Errorf("git %s: %v: %s", command, err, out)
			}
		}
		packs, _ := filepath.Glob(filepath.Join(m.depot(ancestry.FullHistory).dir, "objects", "pack", "*.pack"))
		for _, pack := range packs {
			info, err := os.Stat(pack)
			if err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != os.Getuid() {
				t.Errorf("%s was given away: %v", pack, err)
			}
		}
		if (len(packs) > 0) != (way == "http") {
			t.Errorf("packs: %v", packs)
		}
	}
}

// elsewhere is a directory that temporary ones have no hard links to, if there
// is one.
func elsewhere(t *testing.T) string {
	t.Helper()
	file := gittest.Write(t, filepath.Join(t.TempDir(), "file"), "")
	for _, parent := range []string{"/dev/shm", "/var/tmp", "."} {
		dir, err := os.MkdirTemp(parent, "kitops-*") //nolint:usetesting // the test's may be on one file system with the mirror
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err := os.Link(file, filepath.Join(dir, "file")); errors.Is(err, syscall.EXDEV) {
			return dir
		}
	}
	t.Log("without a second file system there is nothing to see here")
	return t.TempDir()
}

// TestDotGitAcrossFileSystems copies what cannot be linked.
func TestDotGitAcrossFileSystems(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	dir := filepath.Join(elsewhere(t), "workdir")
	if err := overHTTP(t, r).Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{DotGit: true}); err != nil {
		t.Fatal(err)
	}
	mustBeRepository(t, dir, sha)
}
