//go:build unix

package bench_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// sparse measures the first checkout of a hundredth of the files, from a server with partial clone.
func (w *workbench) sparse(b *testing.B, size string, s *served) {
	b.Helper()
	s.repo.Bare("config", "uploadpack.allowFilter", "true")
	s.forget()
	dirs := hundredth(s.repo.Bare("ls-tree", "-r", "--name-only", mainRef))
	s.replay.Store(true)
	defer s.replay.Store(false)
	dir := ramTB{b}.TempDir()
	var own, gits, ownBytes, gitBytes series
	both := func() {
		s.sent.Store(0)
		own = append(own, w.measure(b, append([]string{w.checkout, s.url, filepath.Join(dir, "mirror"), filepath.Join(dir, "own"), "sparse"}, dirs...)...))
		ownBytes = append(ownBytes, sample{rss: s.sent.Swap(0)})
		gits = append(gits, w.measure(b, append([]string{"/bin/sh", "-c", `git clone --quiet --filter=blob:none --sparse "$0" "$1" && cd "$1" && shift && git sparse-checkout set "$@"`, s.url, filepath.Join(dir, "git")}, dirs...)...))
		gitBytes = append(gitBytes, sample{rss: s.sent.Swap(0)})
		same(b, filepath.Join(dir, "own"), filepath.Join(dir, "git"))
		remove(b, dir)
	}
	both() // has the server make its answers
	own, gits, ownBytes, gitBytes = nil, nil, nil, nil
	repeat(b, both)
	title := "first checkout of a hundredth of " + size + " | clone --filter=blob:none --sparse, sparse-checkout set"
	w.compareAll(b, title, own, gits)
	w.compare(b, title+", bytes received", "received", "KB", func(s sample) float64 { return float64(s.rss) / 1000 }, ownBytes, gitBytes)
}

// hundredth are the first directories that have so many of the files between them.
func hundredth(list string) (dirs []string) {
	files := strings.Fields(list)
	for i, file := range files {
		dir := filepath.Dir(file)
		if len(dirs) > 0 && dirs[len(dirs)-1] == dir {
			continue
		}
		if i >= len(files)/100 {
			break
		}
		dirs = append(dirs, dir)
	}
	return dirs
}
