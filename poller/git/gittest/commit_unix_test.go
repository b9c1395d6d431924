//go:build unix

package gittest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// byGit is what Commit stands for.
func byGit(r *Repo, files map[string]string) string {
	r.tb.Helper()
	r.Write(files)
	r.Git("add", "--all")
	r.Git("commit", "--quiet", "--allow-empty", "--message", "test")
	r.Git("push", "--quiet", "--force", "origin", "HEAD")
	return r.Git("rev-parse", "HEAD")
}

func byHistory(r *Repo, files map[string]string) string {
	r.tb.Helper()
	return r.History(map[string]string{"before": "x"}, map[string]string{"before": "y", "dir/z": "z"}, files)[2]
}

func many(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = strings.Repeat("x", i)
	}
	return files
}

// steps are ways a repository grows, by a function that commits.
func steps() map[string]func(r *Repo, commit func(*Repo, map[string]string) string) {
	type commit = func(*Repo, map[string]string) string
	return map[string]func(*Repo, commit){
		"nothing at all": func(r *Repo, c commit) { c(r, nil); c(r, nil) },
		"order of a tree": func(r *Repo, c commit) {
			c(r, map[string]string{"a": "", "a.b": "1", "b/c": "1", "b.c": "1", "b-c": "1", "bc/d/e": "1"})
		},
		"directory to file": func(r *Repo, c commit) {
			c(r, map[string]string{"x/y/z": "1", "a": "1"})
			r.Git("rm", "-r", "--quiet", "x", "a")
			c(r, map[string]string{"x": "1", "a/b": "1"})
		},
		"modes": func(r *Repo, c commit) {
			r.Write(map[string]string{"tool": "1"})
			must(r.tb, os.Chmod(filepath.Join(r.Work, "tool"), 0o755), os.Symlink("tool", filepath.Join(r.Work, "link")))
			c(r, nil)
			c(r, map[string]string{"tool": "2"})
		},
		"a hundred objects": func(r *Repo, c commit) { c(r, many(20)); c(r, many(150)); c(r, many(155)) },
		"attributes": func(r *Repo, c commit) {
			c(r, map[string]string{".gitattributes": "* text\n", ".gitignore": "*.o\n", "a.o": "", "crlf": "1\r\n2\r\n"})
		},
		"branches": func(r *Repo, c commit) {
			c(r, map[string]string{"a": "1"})
			r.Switch("other/one")
			c(r, map[string]string{"a": "2"})
			r.Switch("main")
			base := c(r, map[string]string{"a": "3"})
			c(r, map[string]string{"a": "4"})
			r.Reset(base)
			c(r, map[string]string{"a": "4"})
			r.Switch("other/one")
			c(r, nil)
			r.Delete("other/one")
			c(r, map[string]string{"a": "5"})
		},
		"a merge": func(r *Repo, c commit) {
			c(r, map[string]string{"a": "1"})
			r.Git("switch", "--quiet", "--orphan", "other")
			c(r, map[string]string{"b": "1"})
			r.Git("merge", "--quiet", "--no-commit", "--allow-unrelated-histories", "main")
			c(r, nil)
			r.Git("merge", "--quiet", "--no-ff", "--allow-unrelated-histories", "--strategy=ours", "--message=merge", "main")
			c(r, nil)
		},
		"packed": func(r *Repo, c commit) {
			c(r, map[string]string{"a": "1"})
			c(r, map[string]string{"a": "2"})
			r.Bare("gc", "--quiet", "--prune=now")
			c(r, map[string]string{"a": "1"})
			r.Git("gc", "--quiet", "--prune=now")
			r.Bare("repack", "-adq")
			c(r, map[string]string{"a": "2"})
		},
		"pruned": func(r *Repo, c commit) {
			base := c(r, map[string]string{"a": "1"})
			c(r, map[string]string{"a": "2"})
			r.Reset(base)
			r.Bare("gc", "--quiet", "--prune=now")
			c(r, map[string]string{"a": "2"})
		},
		"committed, not pushed": func(r *Repo, c commit) {
			c(r, map[string]string{"a": "1"})
			r.Write(map[string]string{"a": "2"})
			r.Git("commit", "--quiet", "--all", "--message", "by hand")
			c(r, map[string]string{"a": "3"})
		},
		"a submodule": func(r *Repo, c commit) {
			r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", len(r.zero))+",sub")
			must(r.tb, os.Mkdir(filepath.Join(r.Work, "sub"), 0o755))
			r.Git("commit", "--quiet", "--message", "sub")
			c(r, map[string]string{"a": "1"})
		},
		"limits of the server": func(r *Repo, c commit) {
			r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
			c(r, map[string]string{"a": "1"})
			r.Bare("config", "receive.unpackLimit", "1")
			c(r, map[string]string{"a": "2"})
		},
	}
}

// TestCommit holds a commit to what git would have written: names of objects
// and where they lie, refs, their logs, index and work tree.
func TestCommit(t *testing.T) {
	t.Parallel()
	for name, grow := range steps() {
		if !inShort(name) {
			continue
		}
		formats := []string{"sha1"}
		if name == "order of a tree" || name == "packed" && !testing.Short() {
			formats = append(formats, "sha256")
		}
		for _, format := range formats {
			t.Run(name+"/"+format, func(t *testing.T) {
				t.Parallel()
				want, got := New(t, "--object-format="+format), New(t, "--object-format="+format)
				grow(want, byGit)
				grow(got, (*Repo).Commit)
				mustBeSame(t, got, want)
			})
		}
	}
}

// TestHistory holds many commits at once to one after the other.
func TestHistory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"order of a tree", "directory to file", "a hundred objects", "branches", "a merge"} {
		grow := steps()[name]
		if !inShort(name) || testing.Short() && name == "order of a tree" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := New(t), New(t)
			grow(want, func(r *Repo, files map[string]string) string {
				byGit(r, map[string]string{"before": "x"})
				byGit(r, map[string]string{"before": "y", "dir/z": "z"})
				return byGit(r, files)
			})
			grow(got, byHistory)
			for _, repos := range [][2]string{{got.Dir, want.Dir}, {got.Work, want.Work}} {
				mustBeEqual(t, "refs", Git(t, repos[0], "for-each-ref"), Git(t, repos[1], "for-each-ref"))
				Git(t, repos[0], "fsck", "--full", "--strict", "--no-dangling")
			}
			mustBeEqual(t, "status", got.Git("status", "--porcelain"), "")
		})
	}
}

func mustBeSame(t *testing.T, got, want *Repo) {
	t.Helper()
	for _, repos := range [][2]string{{got.Dir, want.Dir}, {got.Work, want.Work}} {
		for _, args := range [][]string{{"for-each-ref"}, {"symbolic-ref", "HEAD"}, {"count-objects", "-v"}, {"fsck", "--full", "--strict", "--no-dangling"}, {"config", "core.bare"}} {
			mustBeEqual(t, args[0], Git(t, repos[0], args...), Git(t, repos[1], args...))
		}
	}
	for _, args := range [][]string{{"ls-files", "--stage"}, {"status", "--porcelain", "--ignored"}, {"config", "branch.main.merge"}} {
		mustBeEqual(t, args[0], got.Git(args...), want.Git(args...))
	}
	mustBeEqual(t, "origin", got.Git("config", "remote.origin.url"), got.Dir)
	for _, dirs := range [][2]string{{got.gitDir(), want.gitDir()}, {got.Dir, want.Dir}} {
		got, want := listing(t, dirs[0]), listing(t, dirs[1])
		mustBeEqual(t, "more", without(got, want), "")
		mustBeEqual(t, "less", without(want, got), "")
	}
}

// listing is all files below a directory, with the modes of objects and the
// text of what is no object.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, dir)
		if strings.HasPrefix(filepath.Base(name), "pack-") {
			name = "a pack" + filepath.Ext(name) // its deltas depend on who was first
		}
		list = append(list, fmt.Sprint(name, " ", info.Mode()))
		if strings.Contains(name, "/logs/") || strings.HasSuffix(name, "COMMIT_EDITMSG") {
			content, err := os.ReadFile(path)
			list = append(list, name+string(content))
			return err
		}
		return nil
	})
	must(t, err)
	return list
}

func without(lines, others []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) }), "\n")
}

func mustBeEqual(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}
