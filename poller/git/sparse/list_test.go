package sparse_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/sparse"
)

// selected are the paths of a revision that a list selects. Those with a slash at the end are submodules.
func selected(tb testing.TB, l *sparse.List, paths []string) []string {
	tb.Helper()
	s := l.Select()
	dirs := map[string]sparse.Dir{".": s.Top()}
	var enter func(dir string) sparse.Dir
	enter = func(dir string) sparse.Dir {
		d, known := dirs[dir]
		if !known {
			d = s.Dir(enter(path.Dir(dir)), dir)
			dirs[dir] = d
		}
		return d
	}
	var found []string
	for _, p := range paths {
		name, submodule := strings.CutSuffix(p, "/")
		in := enter(path.Dir(name))
		if submodule && s.Submodule(in, name) || !submodule && s.File(in, name) {
			found = append(found, name)
		}
	}
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	return found
}

func TestLists(t *testing.T) {
	paths := []string{"top", "api/a", "api/deep/b", "docs/c", "docs/api/d", "libs/e", "libs/common/f", "libs/common/x/g", "libs/other/h", "vendor/mod/", "api/mod/"}
	for list, want := range map[string]string{
		"api/":                      "top api/a api/deep/b api/mod",
		"api":                       "top api/a api/deep/b api/mod",
		"libs/common":               "top libs/e libs/common/f libs/common/x/g",
		"api libs/common/x":         "top api/a api/deep/b libs/e libs/common/f libs/common/x/g api/mod",
		"/api/":                     "api/a api/deep/b api/mod",
		"api/ !deep/":               "api/a docs/api/d api/mod",
		"/* !/*/":                   "top",
		"/* !docs/ /docs/api/":      "top api/a api/deep/b docs/api/d libs/e libs/common/f libs/common/x/g libs/other/h vendor/mod api/mod",
		"/*.md /libs/**/x/":         "libs/common/x/g",
		"!/api/":                    "",
		"mod/ /nothing":             "vendor/mod api/mod",
		`/t?p /l\ibs/[c-d]ommon/**`: "top libs/common/f libs/common/x/g",
	} {
		l, err := sparse.Parse(strings.Fields(list))
		if err != nil {
			t.Errorf("%s: %v", list, err)
			continue
		}
		if got := strings.Join(selected(t, l, paths), " "); got != want {
			t.Errorf("%s selects\n%s, want\n%s", list, got, want)
		}
	}
}

// TestAlways selects files whatever the list says, and nothing beside them.
func TestAlways(t *testing.T) {
	paths := []string{".kitops.yaml", "a", "deploy/kitops.yaml", "deploy/b", "api/c"}
	for list, want := range map[string]string{"api": ".kitops.yaml a deploy/kitops.yaml api/c", "/api/": ".kitops.yaml deploy/kitops.yaml api/c", "/* !deploy/": ".kitops.yaml a deploy/kitops.yaml api/c"} {
		l, err := sparse.Parse(strings.Fields(list))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(selected(t, l.With(".kitops.yaml", "deploy/kitops.yaml"), paths), " "); got != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
}

func TestWhatIsNoList(t *testing.T) {
	for _, c := range []struct {
		entries []string
		want    string
	}{
		{nil, "at least one"},
		{[]string{"api", " "}, "empty entry"},
		{[]string{"a\nb"}, "line end"},
		{[]string{"#a"}, "comment"},
		{[]string{"a//b"}, "path of a directory"},
		{[]string{"../a"}, "path of a directory"},
		{[]string{"."}, "path of a directory"},
		{[]string{"/"}, "selects nothing"},
		{[]string{"!"}, "selects nothing"},
		{[]string{"/a/../b"}, "none in a repository"},
		{[]string{`/a\`}, "nothing to escape"},
		{[]string{"/a "}, "blank"},
	} {
		if _, err := sparse.Parse(c.entries); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.entries, err, c.want)
		}
	}
}

// TestSparseAsGitDoes has git select, by lists that nobody would write.
func TestSparseAsGitDoes(t *testing.T) {
	r := gittest.New(t)
	random := rand.New(rand.NewPCG(3, 13))
	names := []string{"a", "b", "ab", "a.go", "x.md", "[a]", "a*", "\\", "#a", "!b", "a "}
	pick := func() string { return names[random.IntN(len(names))] }
	content := map[string]string{"a/a/a/deep": "1", "b/top": "1"}
	for range 150 {
		parts := []string{}
		for range 1 + random.IntN(4) {
			parts = append(parts, pick()+[]string{"", "1", "2"}[random.IntN(3)])
		}
		file := strings.Join(append(parts, "f"+pick()), "/")
		content[file] = "1"
	}
	r.Commit(content)
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",a/mod")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",mod")
	r.Git("commit", "--quiet", "--message=modules")
	var paths []string
	for line := range strings.SplitSeq(strings.TrimSuffix(r.Git("ls-files", "-z", "--stage"), "\x00"), "\x00") {
		meta, name, _ := strings.Cut(line, "\t")
		if strings.HasPrefix(meta, "160000") {
			name += "/"
		}
		paths = append(paths, name)
	}
	segment := func() string {
		return gittest.Pick(random, pick(), pick(), pick()+"1", "*", "?", "**", "a*", "*.go", "[ab]", "[!a]*", `\*`, `\[a]`, "mod", "f*")
	}
	for range 80 {
		cone := random.IntN(3) == 0
		var entries []string
		for range 1 + random.IntN(4) {
			var parts []string
			for range 1 + random.IntN(3) {
				if cone {
					parts = append(parts, gittest.Pick(random, "a", "b", "ab", "a1", "b2", "mod", "x.md"))
				} else {
					parts = append(parts, segment())
				}
			}
			entry := strings.Join(parts, "/")
			if !cone {
				entry = gittest.Pick(random, "", "", "/", "!", "!/") + entry + gittest.Pick(random, "", "/")
			}
			entries = append(entries, entry)
		}
		l, err := sparse.Parse(entries)
		if err != nil {
			continue
		}
		form := "--no-cone"
		if l.Directories() {
			form = "--cone"
		}
		for _, mod := range []string{"mod", "a/mod"} { // git takes one that is not there for no directory
			if err := os.MkdirAll(filepath.Join(r.Work, mod), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		gittest.GitInput(t, r.Work, strings.Join(entries, "\n")+"\n", "sparse-checkout", "set", form, "--stdin")
		var want []string
		for line := range strings.SplitSeq(strings.TrimSuffix(string(gittest.RawOutput(t, r.Work, "", "ls-files", "-z", "-t")), "\x00"), "\x00") {
			if name, here := strings.CutPrefix(line, "H "); here {
				want = append(want, name)
			}
		}
		if got := selected(t, l, paths); !slices.Equal(got, want) {
			t.Errorf("%q (%s): %s", entries, form, differences(got, want))
		}
		if text, err := os.ReadFile(filepath.Join(r.Work, ".git", "info", "sparse-checkout")); err != nil || string(text) != l.Text() {
			t.Errorf("%q: git writes %q, not %q: %v", entries, text, l.Text(), err)
		}
	}
}

func differences(got, want []string) string {
	var all []string
	for _, name := range got {
		if !slices.Contains(want, name) {
			all = append(all, fmt.Sprintf("+%q", name))
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			all = append(all, fmt.Sprintf("-%q", name))
		}
	}
	return strings.Join(all, " ")
}

func FuzzList(f *testing.F) {
	f.Add("api/", "api/a")
	f.Add("/*\n!/*/\n/a/", "a/b/c")
	f.Add("**/x\n!x/**", "x/y/x")
	f.Add(`[a-\]*]`, "a")
	f.Fuzz(func(t *testing.T, list, file string) {
		l, err := sparse.Parse(strings.Split(list, "\n"))
		if err != nil || strings.HasPrefix(path.Clean("/"+file), "/..") || path.Clean("/" + file)[1:] != file || file == "" {
			return
		}
		plain := selected(t, l, []string{file})
		if got := selected(t, l.With(file), []string{file}); len(got) != 1 {
			t.Errorf("%q is not selected by %q with it", file, list)
		}
		again, err := sparse.Parse(l.Entries())
		if err != nil || len(selected(t, again, []string{file})) != len(plain) {
			t.Errorf("%q is another list the second time: %v", list, err)
		}
	})
}
