package git

import (
	"fmt"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestSparseAndLFSAreMoved has files of a part of the repository, and those of Git LFS, moved from run to run and made ahead,
// also when the list is another one.
func TestSparseAndLFSAreMoved(t *testing.T) {
	for _, prepare := range []bool{false, true} {
		r := withLFS(t)
		r.Bare("config", "uploadpack.allowFilter", "true")
		m := r.mirror(t)
		p := &parking{Mirror: m, above: t.TempDir(), prepare: prepare, hurry: make(chan struct{})}
		lists, contents := [][]string{{"api"}, {"api"}, {"api", "web"}, {"/web/"}, {"/web/", "!b.bin"}}, 2
		if prepare { // for another list it is not asked for what is not there
			lists, contents = [][]string{{"api"}, {"api"}, {"api"}}, 1
		}
		for round, entries := range lists {
			sha := r.commit(map[string]string{"api/a.bin": "LFS api", "api/same": "same", "web/b.bin": "LFS web", "api/changes": fmt.Sprint(round), "top": "top"})
			l := list(t, entries...)
			p.o = Options{Sparse: l, LFS: true, Park: true, DotGit: round%2 == 1}
			dir := p.next(t, sha)
			want, _ := gittest.Sparse(t, r.Repo, sha, l.Directories(), entries)
			for name, content := range map[string]string{"api/a.bin": "LFS api", "web/b.bin": "LFS web"} {
				if _, there := want[name]; there {
					want[name] = "false " + content
				}
			}
			gittest.MustHave(t, fmt.Sprint(prepare, entries), withoutGit(t, dir), want)
			if p.o.DotGit {
				if got := gittest.Git(t, dir, "status", "--porcelain"); got != "" {
					t.Errorf("%v %s: status %s", prepare, entries, got)
				}
			}
		}
		if batches, objects := r.lfs.Asked(); len(batches) != contents || len(objects) != contents {
			t.Errorf("asked %d times for %q", len(batches), objects)
		}
	}
}
