package gittest

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

// Sparse is what git checks out of a commit after git sparse-checkout set. It returns the directory of that, too.
func Sparse(t *testing.T, r *Repo, sha string, directories bool, entries []string) (found map[string]string, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "sparse")
	Git(t, filepath.Dir(dir), "clone", "--quiet", "--no-checkout", r.Dir, dir)
	form := "--no-cone"
	if directories {
		form = "--cone"
	}
	GitInput(t, dir, strings.Join(entries, "\n")+"\n", "sparse-checkout", "set", form, "--stdin")
	Git(t, dir, "checkout", "--quiet", "--detach", sha)
	found = Snapshot(t, dir)
	maps.DeleteFunc(found, func(name, _ string) bool { return name == ".git" || strings.HasPrefix(name, ".git/") })
	return found, dir
}
