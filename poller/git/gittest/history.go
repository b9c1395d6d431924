package gittest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ThreeCommits is a short history, with a merge of two branches.
func ThreeCommits(t *testing.T) (r *Repo, sha string) {
	t.Helper()
	r = New(t)
	r.Commit(map[string]string{"a": "1", "old/b": "1"})
	r.Switch("side")
	r.Commit(map[string]string{"c": "1"})
	r.Switch("main")
	r.Commit(map[string]string{"a": "2"})
	r.Git("merge", "--quiet", "--no-ff", "--message=merge", "side")
	return r, r.Commit(map[string]string{"old/b": "3"})
}

// OddTree commits files of all kinds: modes, links, names of any bytes, a
// submodule, names that sort otherwise as files than as directories.
func OddTree(t *testing.T, r *Repo) string {
	t.Helper()
	files := map[string]string{
		"a-b": "1", "a/b": "2", "a.b": "3", "a/c/d": "4", "odd/\xff\xfe": "bytes", "odd/new\nline": "x", "run": "#!/bin/sh\n",
		strings.Repeat("long/", 50) + strings.Repeat("n", 200): "x", "empty": "",
	}
	for i := range 12 {
		files["pad"+strings.Repeat("x", i)] = fmt.Sprint(i)
	}
	r.Write(files)
	if err := os.Symlink("a/b", filepath.Join(r.Work, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.Work, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Git("add", "--all")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub/module")
	r.Git("commit", "--quiet", "--message", "odd")
	r.Push()
	return r.SHA("HEAD")
}

// AsIs makes a commit on main of content that git does not convert. A name with
// a > before it is that of a symlink.
func AsIs(tb testing.TB, r *Repo, after string, files map[string]string) string {
	tb.Helper()
	var in strings.Builder
	in.WriteString("commit refs/heads/main\ncommitter kitops <kitops@example.com> 0 +0000\ndata 0\n")
	if after != "" {
		fmt.Fprintf(&in, "from %s\n", after)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		plain, link := strings.CutPrefix(name, ">")
		mode := "100644"
		if link {
			mode = "120000"
		}
		var quoted strings.Builder
		for _, c := range []byte(plain) {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				fmt.Fprintf(&quoted, `\%03o`, c)
			} else {
				quoted.WriteByte(c)
			}
		}
		fmt.Fprintf(&in, "M %s inline \"%s\"\ndata %d\n%s\n", mode, quoted.String(), len(files[name]), files[name])
	}
	GitInput(tb, r.Dir, in.String(), "fast-import", "--quiet", "--force")
	return r.Bare("rev-parse", "refs/heads/main")
}
