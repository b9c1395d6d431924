package git

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

func TestFilesOfACommit(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1", "dir/b.go": "2"})
	head := strings.TrimSpace(r.Git("rev-parse", "HEAD"))
	r.Push()
	m := overHTTP(t, r)
	if _, err := m.Files(t.Context(), head, []string{"a"}); err == nil {
		t.Error("a mirror that has nothing tells of files")
	}
	if err := m.Checkout(t.Context(), refs.Revision{Ref: "refs/heads/main", SHA: head}, filepath.Join(t.TempDir(), "w"), Options{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"a": true, "dir/b.go": true, "dir": false, "b.go": false, "a/b": false, "dir/../a": false, "": false}
	var paths []string
	for path := range want {
		paths = append(paths, path)
	}
	got, err := m.Files(t.Context(), head, paths)
	for path := range want {
		if err != nil || got[path] != want[path] {
			t.Errorf("%q: %t, %v", path, got[path], err)
		}
	}
}
