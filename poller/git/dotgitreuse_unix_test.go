//go:build unix

package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestDotGitOfKeptWorkdir has actions and crashes leave all kinds of .git behind.
// The next checkout has a new one, whatever that was.
func TestDotGitOfKeptWorkdir(t *testing.T) {
	planted := filepath.Join(t.TempDir(), "planted")
	for name, leave := range map[string]func(dir string) error{
		"as it was": func(string) error { return nil },
		"a hook": func(dir string) error {
			_ = os.Mkdir(filepath.Join(dir, ".git", "hooks"), 0o755)
			return os.WriteFile(filepath.Join(dir, ".git", "hooks", "post-checkout"), []byte("#!/bin/sh\ntouch "+planted+"\n"), 0o755)
		},
		"alternates": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ".git", "objects", "info", "alternates"), []byte("/nowhere\n"), 0o644)
		},
		"a broken config": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ".git", "config"), []byte("[core"), 0o644)
		},
		"no objects": func(dir string) error { return os.RemoveAll(filepath.Join(dir, ".git", "objects")) },
		"nothing":    func(dir string) error { return os.RemoveAll(filepath.Join(dir, ".git")) },
		"a file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: /nowhere\n"), 0o644)
		},
		"a link": func(dir string) error { return os.Symlink(filepath.Dir(planted), filepath.Join(dir, ".git")) },
		"a crash before the exchange": func(dir string) error {
			return os.MkdirAll(filepath.Join(dir+".git.tmp", "objects", "pack"), 0o755)
		},
		"a crash amidst the exchange": func(dir string) error { return os.Rename(filepath.Join(dir, ".git"), dir+".git.old") },
		"a crash after the exchange":  func(dir string) error { return os.MkdirAll(filepath.Join(dir+".git.old", "objects"), 0o755) },
	} {
		clean := len(name)%2 == 0
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			m := overHTTP(t, r)
			dir := filepath.Join(t.TempDir(), "workdir")
			o := Options{Reuse: true, Clean: clean, DotGit: true, History: 3}
			for i := range 3 {
				rev := refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(map[string]string{"a": fmt.Sprint(i), fmt.Sprintf("d%d/f", i): "x"})}
				if err := m.Checkout(gittest.Generous(t), rev, dir, o); err != nil {
					t.Fatal(err)
				}
				assertClean(t, m, dir+".git")
				if _, err := os.Stat(planted); err == nil {
					t.Fatal("a hook ran")
				}
				if _, err := os.Stat(filepath.Join(dir, ".git", "hooks")); err == nil {
					t.Error("hooks are there")
				}
				if i > 0 && !clean {
					if got := gittest.Git(t, dir, "status", "--porcelain"); got != "?? untracked" {
						t.Errorf("status: %q", got)
					}
					_ = os.Remove(filepath.Join(dir, "untracked"))
				}
				mustBeRepository(t, dir, rev.SHA)
				gittest.Write(t, filepath.Join(dir, "untracked"), "x")
				gittest.Write(t, filepath.Join(dir, "a"), "changed by an action")
				gittest.Git(t, dir, "commit", "--quiet", "--all", "--message=of an action")
				if name == "a file" || name == "a link" {
					_ = os.RemoveAll(filepath.Join(dir, ".git"))
				}
				if err := leave(dir); err != nil {
					t.Fatal(err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(planted), "*")); len(left) > 0 {
				t.Errorf("written to: %s", strings.Join(left, " "))
			}
		})
	}
}
