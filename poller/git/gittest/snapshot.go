package gittest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Snapshot describes everything below dir: what it is, its mode, its content.
func Snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil || d.IsDir() {
			found[name] = "directory"
			return err
		}
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			found[name] = "-> " + target
			return err
		}
		content, err := os.ReadFile(path)
		found[name] = fmt.Sprintf("%v %s", info.Mode()&0o111 != 0, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// MustHave compares what snapshots found.
func MustHave(t *testing.T, what string, found, want map[string]string) {
	t.Helper()
	if maps.Equal(found, want) {
		return
	}
	for name := range want {
		if found[name] != want[name] {
			t.Errorf("%s: %q is %.80q, want %.80q", what, name, found[name], want[name])
		}
	}
	for name := range found {
		if _, wanted := want[name]; !wanted {
			t.Errorf("%s: %q is %.80q, and should not be there", what, name, found[name])
		}
	}
	t.Fatalf("%s: %d entries, want %d", what, len(found), len(want))
}

// Cloned is what git clone makes of main.
func Cloned(t *testing.T, r *Repo, config ...string) map[string]string {
	t.Helper()
	sha, _ := r.Tip("main")
	return maps.Clone(Memo(r, fmt.Sprint("clone ", sha, config), func() map[string]string { return cloned(t, r, config) }))
}

func cloned(t *testing.T, r *Repo, config []string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cloned")
	args := append(config, "clone", "--quiet", "--branch", "main", r.Dir, dir)
	git := exec.CommandContext(t.Context(), "git", args...)
	git.Env = Environ()
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := Snapshot(t, dir)
	maps.DeleteFunc(found, func(name, _ string) bool { return name == ".git" || strings.HasPrefix(name, ".git/") })
	return found
}

// Exported is what git itself checks out.
func Exported(t *testing.T, r *Repo, sha string) map[string]string {
	t.Helper()
	return maps.Clone(Memo(r, "export "+sha, func() map[string]string { return exported(t, r, sha) }))
}

func exported(t *testing.T, r *Repo, sha string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "exported")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(t.TempDir(), "index")
	for _, args := range [][]string{{"read-tree", sha}, {"--work-tree=" + dir, "checkout-index", "--all", "--force"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir, git.Env = r.Dir, append(Environ(), "GIT_INDEX_FILE="+index)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return Snapshot(t, dir)
}
