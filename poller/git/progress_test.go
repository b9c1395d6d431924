package git

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestCheckoutsCount compares what is counted with what there is: at the first fetch, from the mirror, with
// what differs only.
func TestCheckoutsCount(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = fmt.Sprintf("%d %d\n", i, i*i)
	}
	first := r.Commit(files)
	m := overHTTP(t, r)
	count := func(sha, dir string, o Options) (fetched bool, files, planned int64) {
		t.Helper()
		p := &Progress{}
		if err := m.Checkout(WithProgress(t.Context(), p), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o); err != nil {
			t.Fatal(err)
		}
		bytes, files, planned := p.Counts()
		return bytes > 0, files, planned
	}
	kept := filepath.Join(t.TempDir(), "kept")
	for _, c := range []struct {
		what, dir string
		fetched   bool
		files     int64
	}{
		{"the first", kept, true, 300},
		{"once more", filepath.Join(t.TempDir(), "new"), false, 300},
		{"nothing differs", kept, false, 0},
	} {
		if fetched, files, planned := count(first, c.dir, Options{Reuse: c.dir == kept}); fetched != c.fetched || files != c.files || planned != c.files {
			t.Errorf("%s: fetched %t, %d of %d files", c.what, fetched, files, planned)
		}
	}
	second := r.Commit(map[string]string{"d1/f1": "another\n", "new": "file\n"})
	if fetched, files, planned := count(second, kept, Options{Reuse: true}); !fetched || files != 2 || planned != 2 {
		t.Errorf("what differs: fetched %t, %d of %d files", fetched, files, planned)
	}
}
