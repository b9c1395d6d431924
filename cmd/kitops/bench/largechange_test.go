//go:build unix

package bench_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

const largeText = 300 << 20 // bytes

// largeChange is one byte that changes in a file of hundreds of MB: the server
// sends some bytes, which both sides make the whole file of.
func (w *workbench) largeChange(b *testing.B) {
	repo := gittest.New(ramTB{b})
	var text bytes.Buffer
	for i := 0; text.Len() < largeText; i++ {
		fmt.Fprintf(&text, "%016x and what else stands in line %d of a text\n", uint64(i)*0x9e3779b97f4a7c15, i)
	}
	repo.Commit(map[string]string{"text": text.String()})
	s := serve(b, repo)
	url, clone := s.url, filepath.Join(ramTB{b}.TempDir(), "clone")
	kitops := w.task(b, url, "true", "--poll-once")
	git := []string{"sh", "-c", `git -C "$1" fetch --quiet --depth=1 origin main && git -C "$1" checkout --quiet --detach FETCH_HEAD`, "sh", clone}
	w.measure(b, kitops...)
	w.measure(b, "git", "clone", "--quiet", "--depth=1", "--single-branch", "--branch=main", url, clone)
	text.Bytes()[text.Len()/2] ^= 1
	repo.Commit(map[string]string{"text": text.String()})
	printMemory("one byte in a text of 300 MB", w.measure(b, kitops...), w.measure(b, git...))
	b.ReportMetric(0, "ns/op")
}
