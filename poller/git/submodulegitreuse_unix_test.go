//go:build unix

package git

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// movingSubmodules are revisions in which a submodule comes, changes, moves, gets
// another name, another repository, becomes a file and goes.
func movingSubmodules(t *testing.T) (f *forge, shas []string) {
	t.Helper()
	f = newForge(t, "super", "a", "b", "c")
	super := f.repos["super"]
	drop := func(path string) {
		super.Git("rm", "--quiet", "--cached", path)
		mustNot(t, os.RemoveAll(filepath.Join(super.Work, path)))
	}
	section := func(args ...string) { super.Git(append([]string{"config", "--file", ".gitmodules"}, args...)...) }
	f.linked(t, "b", "deep/c", "../c.git")
	shas = append(shas, super.SHA("HEAD"), f.linked(t, "super", "sub", "../b.git"))
	f.repos["b"].Commit(map[string]string{"more/x": "x", "-first": "", "b": "changed"})
	shas = append(shas, f.linked(t, "super", "sub", "../b.git"))
	drop("sub")
	f.link(t, "super", "moved/here", "../b.git", "")
	section("--remove-section", "submodule.moved/here")
	section("submodule.sub.path", "moved/here")
	shas = append(shas, super.Commit(nil))
	section("--rename-section", "submodule.sub", "submodule.another")
	section("submodule.another.url", "../a.git")
	f.link(t, "super", "moved/here", "../a.git", "")
	section("--remove-section", "submodule.moved/here")
	section("submodule.another.path", "moved/here")
	shas = append(shas, super.Commit(nil))
	drop("moved/here")
	mustNot(t, os.Remove(filepath.Join(super.Work, "moved")))
	section("--remove-section", "submodule.another")
	shas = append(shas, super.Commit(map[string]string{"moved": "a file"}), super.Commit(map[string]string{"sub/is": "a directory"}))
	return f, shas
}

func mustNot(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestSubmodulesWithGitInKeptWorkdir brings a workdir through it, forth and back.
// In between an action does what it likes with the links to the repositories.
func TestSubmodulesWithGitInKeptWorkdir(t *testing.T) {
	long(t)
	f, shas := movingSubmodules(t)
	back := slices.Clone(shas)
	slices.Reverse(back)
	outside := gittest.Write(t, filepath.Join(t.TempDir(), "outside"), "of somebody")
	messes := []func(link string) error{
		func(link string) error { return os.WriteFile(link, []byte("gitdir: /nowhere\n"), 0o600) },
		func(link string) error { return errorsOf(os.RemoveAll(link), os.Symlink(outside, link)) },
		func(link string) error {
			return errorsOf(os.RemoveAll(link), os.MkdirAll(filepath.Join(link, "hooks"), 0o700))
		},
		os.RemoveAll,
		func(string) error { return nil },
	}
	root, p := f.overHTTP(t)
	compared := map[string]bool{}
	for _, clean := range []bool{false, true} {
		m := p.at(root + "/super.git")
		k := keep(t, m, Options{Clean: clean, DotGit: true, Submodules: p.get})
		course := slices.Concat(shas, back)
		for i, sha := range course {
			k.update(t, sha)
			links := 0
			for _, sub := range []string{"sub", "sub/deep/c", "moved/here"} {
				if link := filepath.Join(k.dir, sub, ".git"); isThere(link) {
					links++
				}
			}
			if want := map[int]int{1: 2, 2: 2, 3: 1, 4: 1}[slices.Index(shas, sha)]; links != want {
				t.Errorf("%d: %d links, want %d", i, links, want)
			}
			mustBeRepository(t, k.dir, sha)
			if !compared[sha] {
				compared[sha] = true
				f.mustBeUpdated(t, root, k.dir, sha)
			}
			for _, sub := range []string{"sub", "sub/deep/c", "moved/here"} {
				if link := filepath.Join(k.dir, sub, ".git"); isThere(link) {
					mustNot(t, messes[i%len(messes)](link))
				}
			}
			if i%4 == 1 { // as if the task had no submodules, or no .git, for a while
				without := keep(t, m, Options{Clean: clean, DotGit: i%8 == 1})
				if without.dir = k.dir; !without.o.DotGit {
					without.o.Submodules = p.get
				}
				without.update(t, sha)
				if isThere(filepath.Join(k.dir, "sub", ".git")) {
					t.Errorf("%d: a link is left", i)
				}
			}
		}
	}
	if read(t, filepath.Dir(outside), "outside") != "of somebody" {
		t.Error("written outside")
	}
}

// isThere says whether a file is; a directory that an action made may stay.
func isThere(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && !info.IsDir()
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestHostileNamesOfSubmodules refuses names that lead into another repository,
// or are none of directories, and goes by no path but those of the tree.
func TestHostileNamesOfSubmodules(t *testing.T) {
	long(t)
	f := newForge(t, "super", "a")
	root, p := f.overHTTP(t)
	m := p.at(root + "/super.git")
	checkout := func(t *testing.T, names ...string) (string, error) {
		t.Helper()
		var text strings.Builder
		for i, name := range names {
			path := string(rune('a' + i))
			f.link(t, "super", path, "../a.git", "")
			text.WriteString("[submodule \"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + "\"]\npath = " + path + "\nurl = ../a.git\n")
		}
		sha := f.repos["super"].Commit(map[string]string{".gitmodules": text.String()})
		dir := filepath.Join(t.TempDir(), "workdir")
		return dir, m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{DotGit: true, Submodules: p.get})
	}
	for _, names := range [][]string{
		{"a", "a/hooks"},
		{"a/hooks/post-checkout", "a"},
		{"x/y", "x"},
		{"a", "a/modules/b"},
		{".git"},
		{"x/.GIT/y"},
		{"a//b"},
		{"/a"},
		{"a/"},
		{"."},
		{"a/./b"},
		{"bell\a"},
		{"git~1"},
		{"hooks/\x7f"},
	} {
		dir, err := checkout(t, names...)
		if err == nil || !strings.Contains(err.Error(), ".gitmodules") || strings.ContainsAny(err.Error(), "\a\x7f") {
			t.Errorf("%q: %v", names, err)
		}
		if beside, _ := os.ReadDir(filepath.Dir(dir)); len(beside) > 0 {
			t.Errorf("%q: left %v", names, beside)
		}
	}
	for _, names := range [][]string{{"hooks", "objects/info"}, {"a", "ab"}, {`back\slash`, "a b # ;"}, {"HEAD"}, {"x/a", "x/b"}} {
		dir, err := checkout(t, append(names, "z")[:2]...)
		if err != nil {
			t.Fatalf("%q: %v", names, err)
		}
		mustBeRepository(t, dir, gittest.Git(t, dir, "rev-parse", "HEAD"))
		if got := gittest.Git(t, dir, "submodule", "status"); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "+-U") {
			t.Errorf("%q: %s", names, got)
		}
	}
}
