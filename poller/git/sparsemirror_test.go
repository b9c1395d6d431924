package git

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestSparseGrowth has a mirror rewritten again and again of which most blobs are missing: none is taken for damage.
func TestSparseGrowth(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	r.Commit(large(3))
	m, c := filtering(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	o, other := Options{Sparse: list(t, "api")}, Options{Sparse: list(t, "/other/d1/"), DotGit: true, History: 5}
	var sha string
	for i := range mirror.MaxPacks {
		sha = r.Commit(map[string]string{"api/small": fmt.Sprint(i), "other/d2/f2": strings.Repeat(fmt.Sprint(-i), 4000), "other/d1/f1": fmt.Sprint(i * i)})
		mustSparse(t, m, sha, o)
		if i%5 == 0 {
			mustSparse(t, m, sha, other)
		}
	}
	c.forget()
	want, _ := gittest.Sparse(t, r, sha, true, []string{"api"})
	gittest.MustHave(t, "after all", withoutGit(t, mustSparse(t, m, sha, o)), want)
	if len(c.requests) > 0 {
		t.Errorf("asked again: %v", c.requests)
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
	for _, d := range m.kept() {
		packs, _ := filepath.Glob(filepath.Join(d.dir, "objects", "pack", "*.pack"))
		if len(packs) > mirror.MaxPacks {
			t.Errorf("%d packs in %s", len(packs), d.dir)
		}
	}
}

// TestSparseTogether has tasks with different lists, and one without any, use one mirror at a time.
func TestSparseTogether(t *testing.T) {
	r := gittest.New(t)
	m, _ := filtering(t, r)
	for i := range rounds(3, 1) {
		sha := r.Commit(large(uint64(10 + i)))
		dirs := make([]string, 4)
		lists := [][]string{{"api"}, {"/other/d1/"}, {"other/d2"}, nil}
		var wait sync.WaitGroup
		for i, entries := range lists {
			o := Options{}
			if entries != nil {
				o.Sparse = list(t, entries...)
			}
			dirs[i] = filepath.Join(t.TempDir(), "workdir")
			wait.Go(func() {
				if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dirs[i], o); err != nil {
					t.Errorf("%s: %v", entries, err)
				}
			})
		}
		wait.Wait()
		for i, entries := range lists {
			want := gittest.Exported(t, r, sha)
			if entries != nil {
				want, _ = gittest.Sparse(t, r, sha, list(t, entries...).Directories(), entries)
			}
			gittest.MustHave(t, fmt.Sprint(entries), withoutGit(t, dirs[i]), want)
		}
	}
	mustBeSound(t, m)
}

// TestSparseDamage has objects of the mirror spoilt that somebody needs.
func TestSparseDamage(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(large(5))
	m, _ := filtering(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	o := Options{Sparse: list(t, "other/d1")}
	want, _ := gittest.Sparse(t, r, sha, true, o.Sparse.Entries())
	mustSparse(t, m, sha, o)
	packs, _ := filepath.Glob(filepath.Join(m.depotFor(o).dir, "objects", "pack", "*.pack"))
	for _, p := range packs {
		content, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for at := 40; at < len(content)-20; at += 7 {
			content[at] ^= 0x55
		}
		if err := errors.Join(os.Chmod(p, 0o600), os.WriteFile(p, content, 0o400)); err != nil {
			t.Fatal(err)
		}
	}
	gittest.MustHave(t, "spoilt", withoutGit(t, mustSparse(t, m, sha, o)), want)
	if n := strings.Count(log.String(), "thrown away"); n != 1 {
		t.Errorf("%d times thrown away: %s", n, log.String())
	}
}

// TestSparseAttributes converts files by attributes that are not checked out.
func TestSparseAttributes(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{
		".gitattributes": "*.txt eol=crlf\n", "docs/.gitattributes": "*.md ident\n", "docs/a.txt": "a\n", "docs/b.md": "$Id$\n", "docs/c": "c\n", "x/y.txt": "y\n",
	})
	for _, entries := range [][]string{{"/docs/a.txt", "/docs/b.md"}, {"docs"}, {"*.txt"}} {
		l := list(t, entries...)
		want, _ := gittest.Sparse(t, r, sha, l.Directories(), entries)
		m, _ := filtering(t, r)
		gittest.MustHave(t, fmt.Sprint(entries), withoutGit(t, mustSparse(t, m, sha, Options{Sparse: l})), want)
	}
}

// TestSparseSHA256 does so with the other names of objects.
func TestSparseSHA256(t *testing.T) {
	r := gittest.New(t, "--object-format=sha256")
	sha := r.Commit(large(6))
	m, c := filtering(t, r)
	o := Options{Sparse: list(t, "api"), DotGit: true}
	want, theirs := gittest.Sparse(t, r, sha, true, []string{"api"})
	dir := mustSparse(t, m, sha, o)
	gittest.MustHave(t, sha, withoutGit(t, dir), want)
	sameToGit(t, dir, theirs)
	if c.bytes > 10_000 {
		t.Errorf("%d bytes by %v", c.bytes, c.requests)
	}
}

// TestSparseSubmodules checks out those that are selected, as a whole, and asks for no others.
func TestSparseSubmodules(t *testing.T) {
	f := nested(t)
	super := f.repos["super"]
	super.Bare("config", "uploadpack.allowFilter", "true")
	sha := super.Commit(map[string]string{"top": "1", "api/x": "2"})
	for entries, want := range map[string]string{"libs": "libs/b", "/a /api/": "a", "/api/": "", "api": "a"} {
		for way, reach := range f.ways() {
			root, p := reach(t)
			m := p.at(root + "/super.git")
			o := Options{Sparse: list(t, strings.Fields(entries)...), Submodules: p.get, DotGit: true}
			dir := mustSparse(t, m, sha, o)
			var found []string
			for _, name := range []string{"a", "libs/b"} {
				if _, err := os.Stat(filepath.Join(dir, name, ".git")); err == nil {
					found = append(found, name)
				}
			}
			switch got := strings.Join(found, " "); {
			case entries == "libs" && got == "a libs/b", got == want: // what is right at the top is there with directories
			default:
				t.Errorf("%s %s: found %s", way, entries, got)
			}
			if got := gittest.Git(t, dir, "status", "--porcelain"); got != "" {
				t.Errorf("%s %s: status %s", way, entries, got)
			}
		}
	}
}
