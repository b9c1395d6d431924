package git

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestGitCommands uses a checkout as actions do.
func TestGitCommands(t *testing.T) {
	for way, reach := range some(map[string]func(*testing.T, *gittest.Repo) *Mirror{"path": ways()["path"], "http": overHTTP}) {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			r.Commit(map[string]string{"a": "1", "dir/b": "2"})
			r.Git("tag", "--annotate", "--message=first", "v1.0")
			r.PushTags()
			r.Commit(map[string]string{"a": "2"})
			sha := r.Commit(map[string]string{"a": "3"})
			m := reach(t, r)
			dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
			for command, want := range map[string]string{
				"describe":                          "v1.0-2-g" + sha[:7],
				"rev-parse origin/main":             sha,
				"rev-parse v1.0^{commit}":           r.SHA("HEAD~2"),
				"config remote.origin.url":          m.URL.String(),
				"config remote.origin.fetch":        "+refs/heads/*:refs/remotes/origin/*",
				"diff --stat HEAD~2 -- dir":         "",
				"show HEAD~1:a":                     "2",
				"rev-parse --abbrev-ref HEAD":       "HEAD",
				"rev-parse --show-toplevel":         dir,
				"rev-list --count HEAD":             "3",
				"rev-parse --is-shallow-repository": "false",
			} {
				if got := gittest.Git(t, dir, strings.Fields(command)...); got != want {
					t.Errorf("git %s: %q, want %q", command, got, want)
				}
			}
			gittest.Write(t, filepath.Join(dir, "a"), "changed")
			if got := gittest.Git(t, dir, "status", "--porcelain"); got != "M a" {
				t.Errorf("status of a change: %q", got)
			}
			newer := r.Commit(map[string]string{"a": "4"})
			gittest.Git(t, dir, "fetch", "--quiet")
			if got := gittest.Git(t, dir, "rev-parse", "origin/main"); got != newer {
				t.Errorf("git fetch got %s", got)
			}
			gittest.Git(t, dir, "commit", "--quiet", "--all", "--message=pushed")
			gittest.Git(t, dir, "push", "--quiet", r.Dir, "HEAD:refs/heads/pushed")
			if got := r.Bare("rev-parse", "pushed~1"); got != sha {
				t.Errorf("pushed onto %s", got)
			}
		})
	}
}

// TestShallowCommands has a cut history grow and pushes from it.
func TestShallowCommands(t *testing.T) {
	r := gittest.New(t)
	for i := range 6 {
		r.Commit(map[string]string{"a": fmt.Sprint(i)})
	}
	r.Switch("other")
	r.Commit(map[string]string{"a": "other"})
	r.Switch("main")
	sha := r.SHA("HEAD")
	dir := mustHistory(t, overHTTP(t, r), refs.Revision{Ref: "refs/heads/main", SHA: sha}, 2)
	if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != "2" {
		t.Errorf("%s commits", got)
	}
	gittest.Write(t, filepath.Join(dir, "a"), "pushed")
	gittest.Git(t, dir, "commit", "--quiet", "--all", "--message=pushed")
	gittest.Git(t, dir, "push", "--quiet", r.Dir, "HEAD:refs/heads/pushed")
	r.Commit(map[string]string{"a": "newer"})
	gittest.Git(t, dir, "fetch", "--quiet")
	if got := gittest.Git(t, dir, "for-each-ref", "--format=%(refname)"); got != "refs/remotes/origin/main" {
		t.Errorf("fetched %s", got)
	}
	gittest.Git(t, dir, "fetch", "--quiet", "--unshallow")
	if got := gittest.Git(t, dir, "rev-list", "--count", "origin/main"); got != "7" {
		t.Errorf("%s commits when not cut", got)
	}
	if out := gittest.Fsck(t, dir); out != "" {
		t.Errorf("fsck: %s", out)
	}
}

// TestSamePackTwice goes back and forth between two revisions, so that the same
// pack comes again.
func TestSamePackTwice(t *testing.T) {
	r := gittest.New(t)
	shas := r.History(map[string]string{"a": "1"}, map[string]string{"a": "2"})
	r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
	m := overHTTP(t, r)
	for i := range 6 {
		sha := shas[i%2]
		mustBeRepository(t, mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, 1), sha)
	}
	mustKeepSound(t, m)
}

// TestDotGitOfRefs has refs of all kinds lead to the revision.
func TestDotGitOfRefs(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	r.Git("tag", "light")
	r.Git("tag", "--annotate", "--message=x", "heavy")
	r.PushTags()
	r.Bare("update-ref", "refs/pull/1/head", sha)
	r.Bare("update-ref", "refs/heads/feature/x", sha)
	heavy := r.SHA("refs/tags/heavy")
	for _, m := range []*Mirror{mirrorOf(t, r.Dir), overHTTP(t, r), overSSH(t, r)} {
		for _, history := range []int{1, ancestry.FullHistory} {
			for _, want := range []struct{ ref, sha, here, at, fetched string }{
				{"refs/heads/feature/x", sha, "refs/remotes/origin/feature/x", sha, "+refs/heads/feature/x:refs/remotes/origin/feature/x"},
				{"refs/tags/light", sha, "refs/tags/light", sha, "+refs/tags/light:refs/tags/light"},
				{"refs/tags/heavy", heavy, "refs/tags/heavy", heavy, "+refs/tags/heavy:refs/tags/heavy"},
				{"refs/pull/1/head", sha, "refs/pull/1/head", sha, "+refs/pull/1/head:refs/pull/1/head"},
				{"HEAD", sha, "", "", "+refs/heads/*:refs/remotes/origin/*"},
				{"refs/replace/" + sha, sha, "", "", "+refs/replace/" + sha + ":refs/replace/" + sha},
				{"refs/heads/no\nname", sha, "", "", "+refs/heads/*:refs/remotes/origin/*"},
			} {
				dir := mustHistory(t, m, refs.Revision{Ref: want.ref, SHA: want.sha}, history)
				mustBeRepository(t, dir, sha)
				if want.here != "" && gittest.Git(t, dir, "rev-parse", want.here) != want.at {
					t.Errorf("%s: %s is elsewhere", want.ref, want.here)
				}
				packed := gittest.Git(t, dir, "for-each-ref", "--format=%(refname)")
				if history == 1 && packed != want.here {
					t.Errorf("%s: refs %s", want.ref, packed)
				}
				if got := gittest.Git(t, dir, "config", "remote.origin.fetch"); history == 1 && got != want.fetched {
					t.Errorf("%s: fetches %s", want.ref, got)
				}
			}
		}
	}
}

// TestDotGitWithoutCredentials looks for a password in all that is written.
func TestDotGitWithoutCredentials(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	address := gittest.ServeHTTP(t, filepath.Dir(r.Dir), gittest.HTTPOptions{User: "someone", Password: "pass-word"})
	m := mirrorOf(t, strings.Replace(address, "http://", "http://someone:pass-word@", 1)+"/repo.git")
	dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
	for _, root := range []string{dir, filepath.Dir(m.Dir)} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if content, _ := os.ReadFile(path); bytes.Contains(content, []byte("pass-word")) || bytes.Contains(content, []byte("someone")) {
				t.Errorf("%s has credentials", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := gittest.Git(t, dir, "config", "remote.origin.url"); got != address+"/repo.git" {
		t.Errorf("origin is %s", got)
	}
}

// TestRefNames holds the names of refs to git's own judgment.
func TestRefNames(t *testing.T) {
	for _, name := range []string{
		"refs/tags/v1", "refs/tags/a b", "refs/tags/a\nb", "refs/tags/a\x00b", "refs/tags/a..b", "refs/tags/.a", "refs/tags/a.lock", "refs/tags/a~1",
		"refs/tags/", "refs/tags//a", "refs/tags/a/", "refs/tags/a.", "refs/tags/@{", "refs/tags/a\\b", "refs/tags/a*", "refs/tags/[a", "refs/tags/a\x7f",
		"refs/tags/ü", "../../etc", "refs/../x", "HEAD", "refs/tags/a?", "refs/tags/a:b", "refs/tags/a^", "refs/tags/a\t",
	} {
		git := exec.CommandContext(t.Context(), "git", "check-ref-format", strings.ReplaceAll(name, "\x00", " "))
		git.Dir, git.Env = t.TempDir(), gittest.Environ()
		if valid := git.Run() == nil && strings.HasPrefix(name, "refs/"); valid != refs.Valid(name) {
			t.Errorf("%q: %v", name, refs.Valid(name))
		}
	}
}

// TestGarbageCollection has git rewrite all that a checkout has, which must not
// reach the mirror, and the mirror go away, which must not reach the checkout.
func TestGarbageCollection(t *testing.T) {
	r := gittest.New(t)
	m := overHTTP(t, r)
	rev := func() refs.Revision { return refs.Revision{Ref: "refs/heads/main", SHA: r.SHA("HEAD")} }
	for i := range 3 {
		r.Commit(map[string]string{"a": strings.Repeat(fmt.Sprintln("line", i), 50), "b": fmt.Sprint(i)})
		mustHistory(t, m, rev(), ancestry.FullHistory)
	}
	dir := mustHistory(t, m, rev(), ancestry.FullHistory)
	kept := m.depot(ancestry.FullHistory).dir
	before := fileContents(t, kept)
	mustShare(t, kept, dir)
	gittest.Git(t, dir, "gc", "--quiet", "--aggressive", "--prune=now")
	gittest.Git(t, dir, "repack", "-adfq")
	gittest.Git(t, dir, "commit", "--quiet", "--allow-empty", "--message=more")
	gittest.Git(t, dir, "reset", "--quiet", "--hard", "HEAD~2")
	gittest.Git(t, dir, "gc", "--quiet", "--prune=now")
	if after := fileContents(t, kept); !slices.Equal(before, after) {
		t.Errorf("the mirror changed: %v, was %v", after, before)
	}
	mustKeepSound(t, m)
	r.Commit(map[string]string{"a": "more"})
	next := mustHistory(t, m, rev(), ancestry.FullHistory)
	if err := m.depot(ancestry.FullHistory).wipe(gittest.Generous(t)); err != nil {
		t.Fatal(err)
	}
	mustBeRepository(t, next, r.SHA("HEAD"))
	mustBeAsCloned(t, next, r, "main", ancestry.FullHistory)
}

// mustShare sees that a checkout has links to the packs of a mirror, which
// nobody can write to by mistake.
func mustShare(t *testing.T, kept, dir string) {
	t.Helper()
	packs, _ := filepath.Glob(filepath.Join(kept, "objects", "pack", "*"))
	for _, pack := range packs {
		here, err := os.Stat(pack)
		if err != nil {
			t.Fatal(err)
		}
		there, err := os.Stat(filepath.Join(dir, ".git", "objects", "pack", filepath.Base(pack)))
		if err != nil || !os.SameFile(here, there) || here.Mode().Perm() != 0o444 {
			t.Errorf("%s is not shared: %v, %v", pack, here.Mode(), err)
		}
	}
	if len(packs) == 0 {
		t.Error("no packs")
	}
}

// fileContents are the files below a directory with what is in them.
func fileContents(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for name, is := range gittest.Snapshot(t, dir) {
		found = append(found, name+" "+is)
	}
	slices.Sort(found)
	return found
}
