//go:build unix

package runners_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/app/runners"
)

// TestCopyIsItsOwn: what a job writes into its copy is in no other, links stay links, and what is a runner's own is left out.
func TestCopyIsItsOwn(t *testing.T) {
	t.Parallel()
	template := t.TempDir()
	for name, content := range map[string]string{"run.sh": "#!/bin/sh\n", "bin/tool": "clean\n", "_work/old": "x", ".credentials": "x", ".runner": "x", "_diag/log": "x"} {
		path := filepath.Join(template, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("bin/tool", filepath.Join(template, "link")); err != nil {
		t.Fatal(err)
	}
	above := t.TempDir()
	for _, name := range []string{"one", "two"} {
		dir := filepath.Join(above, name, "runner")
		c := runners.Copy{Template: template}
		if err := c.Make(t.Context(), dir, filepath.Join(above, name, "home"), filepath.Join(above, name, "tmp")); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "link")); err != nil || string(text) != "clean\n" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "link"), []byte("dirty\n"), 0o755); err != nil {
			t.Error(err)
		}
		for _, other := range []string{"_work", "_diag", ".credentials", ".runner"} {
			if _, err := os.Lstat(filepath.Join(dir, other)); err == nil {
				t.Errorf("%s: %s was copied", name, other)
			}
		}
	}
	if text, _ := os.ReadFile(filepath.Join(template, "bin/tool")); string(text) != "clean\n" {
		t.Error("the template was written to")
	}
}

// TestCopyForAnother: files that the jobs' user cannot write may be links; what it can write is refused. Who is not root
// tells it by files that are his own.
func TestCopyForAnother(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	template := filepath.Join(top, "template")
	tool := filepath.Join(template, "tool")
	if err := os.Mkdir(template, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tool, []byte("clean\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	try := func(name string, u runners.User) error {
		above := filepath.Join(top, "copies", name)
		return runners.Copy{Template: template, User: &u}.Make(t.Context(), filepath.Join(above, "runner"), filepath.Join(above, "home"), filepath.Join(above, "tmp"))
	}
	if err := try("own", runners.User{Name: "me", UID: os.Geteuid(), GID: os.Getegid()}); err == nil || !strings.Contains(err.Error(), "chown -R root") {
		t.Errorf("a template of the jobs' user: %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	const uid = 65534
	nobody := runners.User{Name: "nobody", UID: uid, GID: uid}
	if err := try("nobody", nobody); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(top, "copies/nobody/runner/tool"))
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != uid && stat.Nlink < 2 {
		t.Errorf("the copy belongs to %d, with %d links", stat.Uid, stat.Nlink)
	}
	if home, err := os.Stat(filepath.Join(top, "copies/nobody/home")); err != nil || home.Sys().(*syscall.Stat_t).Uid != uid || home.Mode().Perm() != 0o700 {
		t.Errorf("home: %v, %v", home, err)
	}
	if err := os.Chmod(tool, 0o757); err != nil {
		t.Fatal(err)
	}
	if err := try("writable", nobody); err == nil || !strings.Contains(err.Error(), "can be written by nobody") {
		t.Errorf("a file that anybody may write: %v", err)
	}
}
