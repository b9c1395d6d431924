package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// nested makes submodules three deep: super has a and libs/b, b has c, c has d.
func nested(t *testing.T) *forge {
	t.Helper()
	f := newForge(t, "super", "a", "b", "c", "d")
	if err := os.Symlink("a", filepath.Join(f.repos["a"].Work, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(f.repos["a"].Work, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.repos["a"].Commit(map[string]string{"x/y": "z", "large": strings.Repeat("0123456789abcdef", 300_000)})
	f.linked(t, "c", "d", "../d.git")
	f.linked(t, "b", "deep/c", "../c.git")
	f.linked(t, "super", "a", "../a.git")
	f.linked(t, "super", "libs/b", "../b.git")
	return f
}

func TestSubmodules(t *testing.T) {
	f := nested(t)
	first := f.repos["super"].SHA("HEAD")
	f.repos["d"].Commit(map[string]string{"d": "changed", "new": "file"})
	f.linked(t, "c", "d", "../d.git")
	f.linked(t, "b", "deep/c", "../c.git")
	second := f.linked(t, "super", "libs/b", "../b.git")
	for name, reach := range f.ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, p := reach(t)
			m := p.at(root + "/super.git")
			for _, sha := range []string{first, second, first} {
				dir := f.equal(t, m, p, sha)
				if want := map[string]string{first: "of d", second: "changed"}[sha]; read(t, dir, "libs/b/deep/c/d/d") != want {
					t.Errorf("not the recorded commit")
				}
			}
			base := strings.TrimSuffix(m.URL.String(), "super.git")
			if want := []string{base + "a.git", base + "b.git", base + "c.git", base + "d.git"}; !slices.Equal(p.asked[1:5], want) {
				t.Errorf("asked for %v, want %v", p.asked[1:5], want)
			}
		})
	}
}

// TestSubmodulesWhileLanding plans the submodules after files were written from
// the pack that comes in.
func TestSubmodulesWhileLanding(t *testing.T) {
	long(t)
	t.Parallel()
	f := nested(t)
	f.repos["super"].Git("tag", "tip")
	f.repos["super"].Git("push", "--quiet", "origin", "tip") // git sends the trees of a tagged commit before all blobs
	root, p := f.overHTTP(t)
	id, _ := object.ParseID(f.repos["super"].SHA("HEAD"))
	m := p.at(root + "/super.git")
	c := &checkout{Mirror: m, Options: Options{Submodules: p.get}, kept: m.depot(1), rev: mirror.Held{Ref: "refs/heads/main", ID: id}}
	r, err := c.open(gittest.Generous(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.store.Close()
	if r.landed == nil || r.landed.Plan != r.plan || len(r.landed.Done) != len(r.plan.Files) {
		t.Fatal("nothing has landed")
	}
	top := c.subs[0].parent
	for i, file := range r.plan.Files {
		own := !strings.HasPrefix(r.plan.FilePath(file), "a/") && !strings.HasPrefix(r.plan.FilePath(file), "libs/b/")
		if own != (i < top.part.Files.End) || r.landed.Done[i].Load() != own {
			t.Errorf("%s: number %d of %d own files, written: %v", r.plan.FilePath(file), i, top.part.Files.End, r.landed.Done[i].Load())
		}
	}
	var links []string
	for i, d := range r.plan.Dirs {
		path := r.plan.DirPath(int32(i))
		if d.Mode == object.ModeSubmodule {
			links = append(links, path)
		}
		if own := strings.Count(path, "/") < 2 && !strings.HasPrefix(path, "a/"); own != (i < top.part.Dirs.End) {
			t.Errorf("%s: number %d of %d own directories", path, i, top.part.Dirs.End)
		}
	}
	if want := []string{"a", "libs/b", "libs/b/deep/c", "libs/b/deep/c/d"}; !slices.Equal(links, want) {
		t.Errorf("submodules %v", links)
	}
	root, p = f.overHTTP(t)
	f.equal(t, p.at(root+"/super.git"), p, id.String())
}

// TestSubmoduleComesAndGoes follows a submodule that is added, changed, made a
// file, made a submodule again from elsewhere, and removed.
func TestSubmoduleComesAndGoes(t *testing.T) {
	f := newForge(t, "super", "a", "b")
	super := f.repos["super"]
	shas := []string{super.SHA("HEAD"), f.linked(t, "super", "sub", "../a.git")}
	f.repos["a"].Commit(map[string]string{"more": "x"})
	shas = append(shas, f.linked(t, "super", "sub", "../a.git"))
	super.Git("rm", "--quiet", "--cached", "sub")
	if err := os.Remove(filepath.Join(super.Work, "sub")); err != nil {
		t.Fatal(err)
	}
	shas = append(shas, super.Commit(map[string]string{"sub": "a file, and its section is left over"}))
	super.Git("rm", "--quiet", "sub")
	shas = append(shas, f.linked(t, "super", "sub", "../b.git"))
	super.Git("rm", "--quiet", "--cached", "sub")
	if err := os.Remove(filepath.Join(super.Work, "sub")); err != nil {
		t.Fatal(err)
	}
	shas = append(shas, super.Commit(map[string]string{"sub/is": "a directory"}))
	super.Git("rm", "--quiet", "-r", "sub")
	shas = append(shas, super.Commit(nil))
	for name, reach := range some(f.ways()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, p := reach(t)
			for _, sha := range shas {
				f.equal(t, p.at(root+"/super.git"), p, sha)
			}
		})
	}
}

// TestSubmodulesOfOneRepository has one mirror in several places, that of the
// repository itself among them, for several checkouts at once.
func TestSubmodulesOfOneRepository(t *testing.T) {
	f := newForge(t, "super", "a")
	older := f.repos["a"].SHA("HEAD")
	self := f.repos["super"].SHA("HEAD")
	f.repos["a"].Commit(map[string]string{"a": "newer"})
	f.link(t, "super", "one", "../a.git", "")
	f.link(t, "super", "two", "../a.git", "")
	f.link(t, "super", "old", "../a.git", older)
	f.link(t, "super", "self", "../super.git", self)
	f.link(t, "super", "other/self", "./../super.git", self)
	sha := f.repos["super"].Commit(nil)
	for name, reach := range some(f.ways()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, p := reach(t)
			m := p.at(root + "/super.git")
			var checkouts sync.WaitGroup
			for range 3 {
				dir := filepath.Join(t.TempDir(), "workdir")
				checkouts.Go(func() {
					if err := m.Checkout(gittest.Generous(t), refs.Revision{SHA: sha}, dir, Options{Submodules: p.get}); err != nil {
						t.Error(err)
					}
				})
			}
			checkouts.Wait()
			f.equal(t, m, p, sha)
		})
	}
}

// TestSubmoduleDepth goes as deep as is allowed, and one deeper: a repository
// that is its own submodule again and again.
func TestSubmoduleDepth(t *testing.T) {
	f := newForge(t, "super")
	shas := []string{f.repos["super"].SHA("HEAD")}
	for range 6 {
		f.link(t, "super", "self", "../super.git", shas[len(shas)-1])
		shas = append(shas, f.repos["super"].Commit(nil))
	}
	for name, reach := range some(f.ways()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, p := reach(t)
			m := p.at(root + "/super.git")
			dir := f.equal(t, m, p, shas[5])
			if read(t, dir, "self/self/self/self/self/super") != "of super" {
				t.Error("not all there")
			}
			chain := m.URL.String() + strings.Repeat(` > "self" `+m.URL.String(), 5)
			p.fails(t, m, shas[6], `submodule "self/self/self/self/self/self"`, "nested deeper than 5", chain)
		})
	}
}

func TestSubmoduleOfAnotherKind(t *testing.T) {
	t.Parallel()
	f := newForge(t, "super", "a", "b")
	root, p := f.overHTTP(t)
	f.linked(t, "a", "b", "../b.git")
	sha := f.linked(t, "super", "a", root+"/a.git")
	for name, reach := range some(f.ways()) {
		from, home := reach(t)
		p.home = home.home
		f.equal(t, p.at(from+"/super.git"), p, sha)
		if name == "http" && from == root {
			t.Error("one server")
		}
	}
	if m := p.at(root + "/b.git"); m.URL.Local() {
		t.Error("not over http")
	}
}

// TestNoneOfSubmodule leaves empty what git leaves empty, and takes no command
// for anything else than a checkout.
func TestNoneOfSubmodule(t *testing.T) {
	t.Parallel()
	f := newForge(t, "super", "a")
	f.linked(t, "super", "a", "../a.git")
	root, p := f.overHTTP(t)
	m := p.at(root + "/super.git")
	f.repos["super"].Git("config", "--file", ".gitmodules", "submodule.a.update", "none")
	f.equal(t, m, p, f.repos["super"].Commit(nil))
	if len(p.asked) != 1 {
		t.Errorf("asked for %v", p.asked)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	f.repos["super"].Git("config", "--file", ".gitmodules", "submodule.a.update", "!touch "+ran)
	hostile := f.repos["super"].Commit(nil)
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := m.Checkout(gittest.Generous(t), refs.Revision{SHA: hostile}, dir, Options{Submodules: p.get}); err != nil || read(t, dir, "a/a") != "of a" {
		t.Errorf("with a command: %v", err)
	}
	if _, err := os.Lstat(ran); err == nil {
		t.Error("the command was run")
	}
}

func TestSubmoduleCanceled(t *testing.T) {
	f := newForge(t, "super", "a")
	sha := f.linked(t, "super", "a", "../a.git")
	root, p := f.overHTTP(t)
	ctx, cancel := context.WithCancel(gittest.Generous(t))
	get := func(u address.URL) (*Mirror, error) { cancel(); return p.get(u) }
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := p.at(root+"/super.git").Checkout(ctx, refs.Revision{SHA: sha}, dir, Options{Submodules: get}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTooManySubmodules(t *testing.T) {
	long(t)
	t.Parallel()
	f := newForge(t, "super", "a")
	sha := f.repos["a"].SHA("HEAD")
	var index, modules strings.Builder
	for i := range maxSubmodules + 1 {
		fmt.Fprintf(&index, "160000 %s\ts%d\n", sha, i)
		fmt.Fprintf(&modules, "[submodule \"s%d\"]\npath = s%[1]d\nurl = ../a.git\n", i)
	}
	r := f.repos["super"]
	r.Write(map[string]string{".gitmodules": modules.String()})
	gittest.GitInput(t, r.Work, index.String(), "update-index", "--add", "--index-info")
	r.Git("add", ".gitmodules")
	r.Git("commit", "--quiet", "--message", "many")
	r.Push()
	m := mirrorOf(t, r.Dir)
	newPool(t).fails(t, m, r.SHA("HEAD"), "more than 1000 submodules")
	r.Git("rm", "--quiet", "--cached", "s7")
	r.Git("commit", "--quiet", "--message", "one less")
	r.Push()
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := m.Checkout(gittest.Generous(t), refs.Revision{SHA: r.SHA("HEAD")}, dir, Options{Submodules: newPool(t).get}); err != nil || read(t, dir, "s1000/a") != "of a" {
		t.Error(err)
	}
}
