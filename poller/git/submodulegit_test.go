package git

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// updated is a clone of a revision of super with its submodules, made by git.
func (f *forge) updated(t *testing.T, root, sha string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "updated")
	gittest.Git(t, f.root, "clone", "--quiet", "--no-checkout", root+"/super.git", dir)
	gittest.Git(t, dir, "checkout", "--quiet", "--detach", sha)
	gittest.Git(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
	return dir
}

// gitsOf is what git says of a work tree with submodules, of each of them.
func gitsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	said := map[string]string{}
	ask := func(what string, args ...string) {
		said[what] = strings.ReplaceAll(string(gittest.RawOutput(t, dir, "", args...)), dir, "TOP")
	}
	// git submodule is a script of twenty processes, so it is asked once.
	ask("each", "submodule", "--quiet", "foreach", "--recursive", strings.Join([]string{
		`echo "$displaypath: $sm_path $name $sha1 $toplevel" && git rev-parse HEAD && { git symbolic-ref --quiet HEAD || true; }`,
		"git rev-parse --absolute-git-dir --show-toplevel --show-superproject-working-tree && cat .git",
		"git config core.worktree && git config core.bare && git config remote.origin.url && { git config --get-regexp '^submodule' | sort || true; }",
		"git status --porcelain --ignored --untracked-files=all && git diff-files && git diff HEAD",
		"git -c core.commitGraph=false -c core.multiPackIndex=false fsck --full --strict --no-dangling 2>&1",
		"git ls-files --stage",
	}, " && echo -- && "))
	ask("status of all", "status", "--porcelain", "--ignored", "--untracked-files=all")
	said["fsck of all"] = gittest.Fsck(t, dir)
	said["submodules"] = gittest.TryGit(t, dir, "config", "--get-regexp", "^submodule")
	for line := range strings.Lines(string(gittest.RawOutput(t, dir, "", "submodule", "status", "--recursive"))) {
		name, _, _ := strings.Cut(line, " (") // what is behind depends on refs
		said["submodule status"] += strings.TrimSpace(name) + "\n" + name[:1]
	}
	return said
}

// mustBeUpdated sees that a checkout with submodules is what git makes, to git.
func (f *forge) mustBeUpdated(t *testing.T, root, dir, sha string) {
	t.Helper()
	want, got := gitsOf(t, f.updated(t, root, sha)), gitsOf(t, dir)
	for what := range want {
		if got[what] != want[what] {
			t.Errorf("%s: git says\n%s\nwant\n%s", what, got[what], want[what])
		}
	}
	before := gittest.Snapshot(t, dir)
	gittest.Git(t, dir, "-c", "protocol.file.allow=always", "submodule", "update", "--init", "--recursive")
	after := gittest.Snapshot(t, dir)
	for _, found := range []map[string]string{before, after} { // git may write one again
		maps.DeleteFunc(found, func(name, _ string) bool { return strings.HasPrefix(name, ".git/") && filepath.Base(name) == "index" })
	}
	gittest.MustHave(t, "git submodule update changes it", after, before)
}

// TestSubmodulesWithGit leaves what git submodule update leaves.
func TestSubmodulesWithGit(t *testing.T) {
	f := nested(t)
	f.repos["b"].Git("config", "--file", ".gitmodules", "--rename-section", "submodule.deep/c", `submodule.odd "name" \ é`)
	f.repos["b"].Commit(map[string]string{".gitattributes": "* text eol=crlf\n"})
	sha := f.linked(t, "super", "libs/b", "../b.git")
	for name, reach := range some(map[string]func(*testing.T) (string, *pool){"path": f.ways()["path"], "http": f.overHTTP}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, p := reach(t)
			dir := filepath.Join(t.TempDir(), "workdir")
			o := Options{DotGit: true, Submodules: p.get}
			if err := p.at(root+"/super.git").Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o); err != nil {
				t.Fatal(err)
			}
			f.mustBeUpdated(t, root, dir, sha)
			gittest.Git(t, filepath.Join(dir, "libs", "b"), "fetch", "--quiet", "--unshallow", "origin", "main")
			if got, err := os.ReadFile(filepath.Join(dir, "libs", "b", "b")); err != nil || string(got) != "of b" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
