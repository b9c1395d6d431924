//go:build unix

package git

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestSubmodulesOfKeptWorkdir brings one workdir through all that can become of
// a submodule, forth and back, with submodules and without.
func TestSubmodulesOfKeptWorkdir(t *testing.T) {
	long(t)
	f := newForge(t, "super", "a", "b", "c")
	super := f.repos["super"]
	shas := []string{super.SHA("HEAD")}
	f.linked(t, "b", "deep/c", "../c.git")
	f.link(t, "super", "b", "../b.git", "")
	shas = append(shas, f.linked(t, "super", "sub", "../a.git"))
	f.repos["a"].Commit(map[string]string{"more/x": "x", "a": "changed"})
	shas = append(shas, f.linked(t, "super", "sub", "../a.git"))
	super.Git("rm", "--quiet", "--cached", "sub")
	if err := os.Remove(filepath.Join(super.Work, "sub")); err != nil {
		t.Fatal(err)
	}
	shas = append(shas, super.Commit(map[string]string{"sub": "a file"}))
	super.Git("rm", "--quiet", "sub")
	shas = append(shas, super.Commit(map[string]string{"sub/is": "a directory"}))
	back := slices.Clone(shas)
	slices.Reverse(back)
	for _, clean := range []bool{false, true} {
		root, p := f.overHTTP(t)
		m := p.at(root + "/super.git")
		k := keep(t, m, Options{Clean: clean, Submodules: p.get})
		for i, sha := range slices.Concat(shas, back, shas) {
			k.update(t, sha)
			gittest.MustHave(t, sha, gittest.Snapshot(t, k.dir), f.cloned(t, sha))
			if i%3 == 0 { // as if the task had no submodules for a while
				without := keep(t, m, Options{Clean: clean})
				without.dir = k.dir
				without.update(t, sha)
			}
		}
	}
}

// TestKeptWorkdirDoubtsSubmodule damages the mirror of a submodule that a kept
// workdir needs a file of: that mirror comes anew, and no other.
func TestKeptWorkdirDoubtsSubmodule(t *testing.T) {
	f := newForge(t, "super", "a")
	f.repos["a"].Commit(map[string]string{"noise": incompressible(1, 20_000)})
	sha := f.linked(t, "super", "a", "../a.git")
	root, p := f.overHTTP(t)
	m := p.at(root + "/super.git")
	k := keep(t, m, Options{Submodules: p.get})
	k.update(t, sha)
	var log bytes.Buffer
	for _, m := range p.all() {
		m.Log = slog.New(slog.NewTextHandler(&log, nil))
	}
	packs, _ := filepath.Glob(filepath.Join(p.at(root+"/a.git").Dir, "objects", "pack", "*.pack"))
	if err := flip(packs[0], 10_000); err != nil {
		t.Fatal(err)
	}
	k.update(t, sha)
	if log.Len() > 0 {
		t.Errorf("a file was read without need: %s", log.String())
	}
	if err := os.Remove(filepath.Join(k.dir, "a", "noise")); err != nil {
		t.Fatal(err)
	}
	k.update(t, sha)
	gittest.MustHave(t, sha, gittest.Snapshot(t, k.dir), f.cloned(t, sha))
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "url="+root+"/a.git") {
		t.Errorf("%d warnings: %s", n, log.String())
	}
}
