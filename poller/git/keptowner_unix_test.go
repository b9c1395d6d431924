//go:build unix

package git

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestReuseOwner gives what is made, and what is of the revision, to a user.
func TestReuseOwner(t *testing.T) {
	r := gittest.New(t)
	k := keep(t, mirrorOf(t, r.Dir), Options{})
	first := r.Commit(map[string]string{"a": "1", "same": "same", "d/e/f": "1"})
	k.update(t, first)
	k.o.Owner = anotherOwner()
	k.update(t, first)
	mustOwn(t, k.dir, anotherOwner())
	k.mustHold(t, r, first, nil)
	outsider := filepath.Join(t.TempDir(), "outsider")
	scribble(t, outsider, "same")
	_ = os.Remove(filepath.Join(k.dir, "same"))
	if err := os.Link(outsider, filepath.Join(k.dir, "same")); err != nil {
		t.Fatal(err)
	}
	_ = os.RemoveAll(filepath.Join(k.dir, "d"))
	second := r.Commit(map[string]string{"a": "2", "new/dir/x": "2"})
	k.update(t, second)
	mustOwn(t, k.dir, anotherOwner())
	k.mustHold(t, r, second, nil)
	if info, err := os.Stat(outsider); err != nil || info.Sys().(*syscall.Stat_t).Uid != uint32(os.Getuid()) {
		t.Errorf("a file elsewhere was given away: %v, %v", info, err)
	}
	before := times(t, k.dir)
	k.update(t, second)
	if !maps.Equal(before, times(t, k.dir)) {
		t.Error("files of the right owner were touched")
	}
}

// TestForeignDirectoryIsRefused has a directory of root's in the place of one of
// the revision: it is neither given away nor opened.
func TestForeignDirectoryIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		return // nobody else can have two users
	}
	for _, clean := range []bool{false, true} {
		r := gittest.New(t)
		k := keep(t, mirrorOf(t, r.Dir), Options{Owner: anotherOwner(), Clean: clean})
		k.update(t, r.Commit(map[string]string{"d/f": "1"}))
		foreign := filepath.Join(k.dir, "d")
		if err := os.RemoveAll(foreign); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(foreign, 0o700); err != nil {
			t.Fatal(err)
		}
		scribble(t, filepath.Join(foreign, "secret"), "secret")
		sha := r.Commit(map[string]string{"d/f": "2"})
		err := k.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, k.dir, k.o)
		if err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("clean %v: %v", clean, err)
		}
		info, err := os.Stat(foreign)
		if err != nil || info.Mode().Perm() != 0o700 || info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("clean %v: %v, %v", clean, info, err)
		}
	}
}

// TestCleanReadOnly removes what an action locked, as a user who is not root.
func TestCleanReadOnly(t *testing.T) {
	asAnother(t, func(m *Mirror, dir string, shas []string) {
		for _, o := range []Options{{Reuse: true}, {Reuse: true, Clean: true}} {
			mustKeep(t, m, shas[0], dir, o)
			lock(t, dir)
			mustKeep(t, m, shas[0], dir, o)
		}
	})
}

// TestReuseLocked goes on after an action that locked every directory, .git
// included, where the next revision has others.
func TestReuseLocked(t *testing.T) {
	asAnother(t, func(m *Mirror, dir string, shas []string) {
		for _, o := range []Options{{}, {Clean: true}, {DotGit: true}, {DotGit: true, Clean: true}} {
			o.Reuse = true
			for _, sha := range []string{shas[1], shas[0], shas[0]} {
				mustKeep(t, m, sha, dir, o)
				lockAll(t, dir)
			}
		}
		mustKeep(t, m, shas[0], dir, Options{Reuse: true, Clean: true})
	})
}

func mustKeep(t *testing.T, m *Mirror, sha, dir string, o Options) {
	t.Helper()
	if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, o); err != nil {
		t.Fatalf("%+v: %v", o, err)
	}
}

// asAnother runs a test as a user who is not root, in a process of its own. It
// ends with the first of two revisions in dir.
func asAnother(t *testing.T, test func(m *Mirror, dir string, shas []string)) {
	t.Helper()
	if args := os.Getenv("KITOPS_TEST_ANOTHER"); args != "" {
		given := strings.Split(args, "\n")
		test(&Mirror{URL: mirrorOf(t, given[0]).URL}, given[1], given[2:])
		return
	}
	r := gittest.New(t)
	shas := []string{r.Commit(map[string]string{"a": "1", "d/e/f": "1"})}
	r.Git("rm", "-q", "-r", "d")
	shas = append(shas, r.Commit(map[string]string{"d/g/h/i": "2", "d/j": "2"}))
	dir, err := os.MkdirTemp("", "kitops-test-*") //nolint:usetesting // where another user gets through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	k := keep(t, mirrorOf(t, r.Dir), Options{})
	k.dir = filepath.Join(dir, "all", "workdir")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "test"), "-test.run=^"+t.Name()+"$")
	repo := filepath.Join(dir, "repo.git")
	for _, args := range [][]string{{"cp", "-r", r.Dir, repo}, {"cp", os.Args[0], cmd.Path}, {"chmod", "-R", "a+rX", dir}, {"mkdir", "-m", "777", filepath.Dir(k.dir), filepath.Join(dir, "tmp")}} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	_ = os.Chmod(filepath.Join(dir, "tmp"), 0o777)
	_ = os.Chmod(filepath.Dir(k.dir), 0o777)
	cmd.Env = append(os.Environ(), "KITOPS_TEST_ANOTHER="+strings.Join(append([]string{repo, k.dir}, shas...), "\n"), "TMPDIR="+filepath.Join(dir, "tmp"))
	cmd.Dir = dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 23456}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	k.mustHold(t, r, shas[0], nil)
}

// lockAll is an action that leaves its user no directory to get into or write to.
func lockAll(t *testing.T, dir string) {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			all = append(all, path)
		}
		return err
	})
	slices.Reverse(all) // from the bottom up, or there is no way in
	for i, path := range all {
		err = errors.Join(err, os.Chmod(path, []fs.FileMode{0, 0o555}[i%2]))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lock is an action that takes from its own user what that has.
func lock(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"cache/mod", "d/e/g", "a.d"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	scribble(t, filepath.Join(dir, "cache", "mod", "f"), "x")
	if err := errors.Join(os.Remove(filepath.Join(dir, "a")), os.Rename(filepath.Join(dir, "a.d"), filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	scribble(t, filepath.Join(dir, "a", "f"), "x")
	for i, name := range []string{"cache/mod/f", "cache/mod", "cache", "a", "d/e/g", "d/e/f", "d/e", "d"} {
		mode := []fs.FileMode{0o555, 0}[i/2%2]
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}
