package poller

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// BenchmarkCheckoutBesideRemoval is the checkout of 1,000 files while nothing, or what an earlier run left, is being removed.
func BenchmarkCheckoutBesideRemoval(b *testing.B) {
	r, all := gittest.New(b), map[string]string{}
	for i := range 1000 {
		all[fmt.Sprintf("d%d/f%d", i/100, i)] = strconv.Itoa(i)
	}
	rev := git.Revision{Ref: "refs/heads/main", SHA: r.Commit(all)}
	url, err := git.ParseURL(r.Dir)
	if err != nil {
		b.Fatal(err)
	}
	m := &git.Mirror{URL: url, Dir: filepath.Join(b.TempDir(), "mirror")}
	for _, left := range []int{0, 200_000} {
		b.Run(fmt.Sprintf("%d files", left), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				p, dir := New(), b.TempDir()
				leave(b, filepath.Join(dir, "left"), left)
				p.leftovers.add(filepath.Join(dir, "left"))
				ctx, cancel := context.WithCancel(b.Context())
				if left > 0 {
					p.sweepSoon(ctx)
				}
				b.StartTimer()
				if err := m.Checkout(ctx, rev, filepath.Join(dir, "next"), git.Options{}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if _, err := os.Lstat(filepath.Join(dir, "left")); left > 0 && err != nil {
					b.Error("all was removed already")
				}
				cancel()
				p.leftovers.done.Wait()
				b.StartTimer()
			}
		})
	}
}

// leave makes so many files.
func leave(b *testing.B, dir string, count int) {
	b.Helper()
	for i := 0; i < count; i += 1000 {
		below := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(below, 0o700); err != nil {
			b.Fatal(err)
		}
		for j := range 1000 {
			f, err := os.Create(filepath.Join(below, strconv.Itoa(j)))
			if err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	}
}
