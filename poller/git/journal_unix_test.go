//go:build unix

package git

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// cutOff has an update end amidst files, as a kill would.
func (k *kept) cutOff(t *testing.T, sha string) {
	t.Helper()
	elsewhere := *k
	elsewhere.dir = filepath.Join(t.TempDir(), "elsewhere", "workdir")
	elsewhere.update(t, sha) // so that nothing is to be fetched
	mine := &Mirror{URL: k.URL, Dir: k.Dir, MaxSize: 1}
	if err := mine.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, k.dir, k.o); err == nil {
		t.Fatal("not cut off")
	}
}

// TestJournalOfPopulatedSubmodule forgets nothing of an update that was cut off
// and had a submodule to fill.
func TestJournalOfPopulatedSubmodule(t *testing.T) {
	f := newForge(t, "super", "a")
	super := f.repos["super"]
	first := super.SHA("HEAD")
	second := f.linked(t, "super", "sub", "../a.git")
	root, p := f.overHTTP(t)
	k := keep(t, p.at(root+"/super.git"), Options{Submodules: p.get})
	k.update(t, first)
	k.cutOff(t, second)
	if err := os.MkdirAll(filepath.Join(k.dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	scribble(t, filepath.Join(k.dir, "sub", "a"), "half of what was to come")
	k.update(t, first)
	gittest.MustHave(t, first, gittest.Snapshot(t, k.dir), f.cloned(t, first))
}

// TestJournalOfFileAndDirectory cuts off two updates that follow each other, of
// which one has a file where the other has a directory.
func TestJournalOfFileAndDirectory(t *testing.T) {
	r := newForge(t, "one").repos["one"]
	first := r.SHA("HEAD")
	second := r.Commit(map[string]string{"x": "a file"})
	r.Git("rm", "-q", "x")
	third := r.Commit(map[string]string{"x/y": "in a directory"})
	for _, shas := range [][]string{{second, third}, {third, second}} {
		k := keep(t, mirrorOf(t, r.Dir), Options{})
		k.update(t, first)
		for _, sha := range shas {
			k.cutOff(t, sha)
			if err := os.RemoveAll(filepath.Join(k.dir, "x")); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(k.dir, "x")
		if shas[1] == third {
			if err := os.Mkdir(file, 0o755); err != nil {
				t.Fatal(err)
			}
			file = filepath.Join(file, "y")
		}
		scribble(t, file, "half of what was to come")
		k.update(t, first)
		k.mustHold(t, r, first, nil)
	}
}
