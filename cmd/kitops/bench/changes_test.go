//go:build unix

package bench_test

import (
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// paths measures what it takes to tell what a commit of 3 files has changed, when the mirror has it.
func (w *workbench) paths(b *testing.B, size string, files int, s *served) {
	b.Helper()
	m := w.mirror(b, s.url)
	ask := func(sha, since string) int {
		all, err := m.Changes(b.Context(), git.Revision{Ref: mainRef, SHA: sha}, since, git.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return len(all)
	}
	before := s.repo.Bare("rev-parse", mainRef)
	ask(before, before)
	var own, gits series
	n := 20_000 // other commits than those of the rest
	repeat(b, func() {
		n++
		sha := s.push(b, n, files)
		if changed := ask(sha, before); changed != 3 { // with the fetch
			b.Fatalf("%d files have changed", changed)
		}
		begun := time.Now()
		ask(sha, before)
		own = append(own, sample{wall: time.Since(begun)})
		gits = append(gits, w.measure(b, "git", "-C", s.repo.Dir, "diff", "--name-only", before, sha))
		before = sha
	})
	w.compare(b, "what a 3-file commit has changed, "+size+" | diff --name-only, time", "time", "ms", wallMS, own, gits)
}
