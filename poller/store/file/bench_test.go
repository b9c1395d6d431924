package file_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/store/file"
)

// filled returns a file with n documents of the usual size.
func filled(b *testing.B, n int) *file.Store {
	b.Helper()
	f, err := file.Open(filepath.Join(b.TempDir(), "state.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	f.Grows = true
	if _, err := f.Put(b.Context(), "0", documentOf(0), ""); err != nil {
		b.Fatal(err)
	}
	var all sync.WaitGroup
	for i := 1; i < n; i++ {
		all.Go(func() {
			if _, err := f.Put(b.Context(), strconv.Itoa(i), documentOf(i), ""); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	return f
}

func documentOf(i int) []byte {
	return fmt.Appendf(nil, "url: https://github.com/acme/shop\nrefs:\n  refs/heads/main:\n    applied: \"%040d\"\n    attempt: %d\n", i, i)
}

func BenchmarkPut(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			f := filled(b, n)
			doc, err := f.Get(b.Context(), "0")
			if err != nil {
				b.Fatal(err)
			}
			version := doc.Version
			for i := 1; b.Loop(); i++ {
				if version, err = f.Put(b.Context(), "0", documentOf(i), version); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPutAll is the end of an agent: 1,000 tasks save at once.
func BenchmarkPutAll(b *testing.B) {
	for b.Loop() {
		filled(b, 1000)
	}
}

func BenchmarkGet(b *testing.B) {
	f := filled(b, 1000)
	for b.Loop() {
		if _, err := f.Get(b.Context(), "500"); err != nil {
			b.Fatal(err)
		}
	}
}
