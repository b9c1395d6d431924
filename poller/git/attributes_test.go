package git

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// asIs makes a commit on main of content that git does not convert. A name with
// a > before it is that of a symlink.
func asIs(tb testing.TB, r *gittest.Repo, after string, files map[string]string) string {
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
	gittest.GitInput(tb, r.Dir, in.String(), "fast-import", "--quiet", "--force")
	return r.Bare("rev-parse", "refs/heads/main")
}

// planned is what a plan makes of a revision of a repository that is at hand.
func planned(tb testing.TB, r *gittest.Repo, sha string, native bool) *plan {
	tb.Helper()
	s, err := openStore(r.Dir)
	if err != nil {
		tb.Fatal(err)
	}
	defer s.close()
	read := s.reader().read
	id, _ := parseID(sha)
	_, tree, err := commitOf(tb.Context(), id, read)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := makePlan(tb.Context(), tree, read)
	if err == nil {
		err = p.applyAttributesAs(tb.Context(), 0, read, native)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// attributesOf are those of all files that have to do with conversion.
func attributesOf(t *testing.T, r *gittest.Repo, sha string) map[string]string {
	t.Helper()
	s, err := openStore(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	p := planned(t, r, sha, true)
	a := &attributesPlan{plan: p, read: s.reader().read, vocabulary: newVocabulary()}
	if err := a.readAll(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range p.files {
		if f.mode == modeSymlink {
			continue
		}
		base := len(a.enter(f.dir))
		path := append(a.path, f.name...)
		a.match.file(a.files[f.dir], path, base)
		for i, name := range checked() {
			if got := a.match.get(i); got.state == valued {
				found[string(path)+" "+name] = got.value
			} else {
				found[string(path)+" "+name] = [...]string{"unspecified", "set", "unset"}[got.state]
			}
		}
	}
	return found
}

func checked() []string {
	return []string{"text", "crlf", "eol", "ident", "filter", "working-tree-encoding"}
}

// attributesByGit are the same by git check-attr.
func attributesByGit(t *testing.T, r *gittest.Repo, sha string) map[string]string {
	t.Helper()
	r.Bare("read-tree", sha)
	names := gittest.RawOutput(t, r.Dir, "", "ls-files", "-z", "--stage")
	var files strings.Builder
	for entry := range strings.SplitSeq(string(names), "\x00") {
		if head, name, ok := strings.Cut(entry, "\t"); ok && !strings.HasPrefix(head, "120000") {
			files.WriteString(name + "\x00")
		}
	}
	said := gittest.RawOutput(t, r.Dir, files.String(), append([]string{"check-attr", "--cached", "-z", "--stdin"}, checked()...)...)
	found := map[string]string{}
	parts := strings.Split(strings.TrimSuffix(string(said), "\x00"), "\x00")
	for i := 0; i+2 < len(parts); i += 3 {
		found[parts[i]+" "+parts[i+1]] = parts[i+2]
	}
	return found
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// gamble makes lines of attributes, most of which make sense.
func gamble(random *rand.Rand) string {
	var text strings.Builder
	for range 1 + random.IntN(8) {
		text.WriteString(pick(random, "", "", "", "", " ", "\t"))
		if random.IntN(6) == 0 {
			text.WriteString(pick(random, "[attr]m1", "[attr]m2", "[attr]m3", "[attr]binary", `"[attr]m1"`, "[attr] m1", "[attr]-m", "[attr]text"))
		} else {
			text.WriteString(gamblePattern(random))
		}
		for range random.IntN(4) {
			text.WriteString(pick(random, " ", " ", "\t", "  ", " \r"))
			text.WriteString(pick(random, "text", "-text", "!text", "text=auto", "text=input", "text=", "text=else", "crlf", "-crlf", "crlf=input",
				"eol=lf", "eol=crlf", "eol=else", "-eol", "!eol", "ident", "-ident", "!ident", "ident=x", "filter=lfs", "filter=a=b", "-filter",
				"binary", "-binary", "!binary", "binary=x", "m1", "-m1", "!m1", "m2", "m3", "m3=y", "working-tree-encoding=UTF-16", "diff", "merge=union", "export-ignore"))
		}
		if random.IntN(20) == 0 {
			text.WriteString(pick(random, " --text", " -", " !", " =x", " a&b", " ä", " text eol=crlf # no comment", "\x00", " -text=x", " !eol=lf", strings.Repeat(" text", 500)))
		}
		text.WriteString(pick(random, "\n", "\n", "\n", "\r\n", "\n\n", "\n# comment text\n"))
	}
	return text.String()
}

func gamblePattern(random *rand.Rand) string {
	for {
		var p strings.Builder
		for range 1 + random.IntN(6) {
			p.WriteString(pick(random, "a", "b", "a", "b", "c", ".", "x.c", "*", "*", "*.c", "?", "/", "/", "**", "**/", "/**/", "/**", "[ab]", "[!a]", "[^b]", "[a-c]", "[b-", "[]a]",
				"[[:alpha:]]", "[[:digit:][:punct:]]", "[[:no:]]", "[[:alpha]", "[a\\]b]", "[\\a-\\c]", "[c-a]", "[a-]", "[--a]", "[", "]", "\\a", "\\*", "\\", "\\/", "!", "é", "\"", "#", "{a,b}"))
		}
		pattern := p.String()
		if prefixStars().MatchString(pattern) {
			continue
		}
		switch random.IntN(12) {
		case 0:
			return `"` + pattern + pick(random, `"`, "", ` b"`, `\142"`, `\x"`, `\"a"`, `\000"`)
		case 1:
			return pick(random, "*", "a", "*.c", "**", "a/**", "/a", "b/", "**/a/*", "*b.c", "*ax.c", "*a", "[!b]*", "!a", "!*")
		}
		return pattern
	}
}

// prefixStars are patterns that git reads in two ways: up to a version, ** did
// span directories behind letters too, against its documentation.
func prefixStars() *regexp.Regexp { return regexp.MustCompile(`^"?[^*?\[\\]*[^/*?\[\\]\*\*+(/|\\/|$)`) }

func gambleName(random *rand.Rand) string {
	var name strings.Builder
	for i := range 1 + random.IntN(4) {
		if i > 0 {
			name.WriteByte('/')
		}
		for range 1 + random.IntN(3) {
			name.WriteString(pick(random, "a", "b", "c", "a", "b", ".c", "x.c", "*", "-", "é", "\"", "[", "]", "\\", "1", " ", "!", "#", "Z", "{a,b}"))
		}
	}
	return name.String()
}

// TestAttributesLikeGit compares the attributes of many files with what git
// check-attr says.
func TestAttributesLikeGit(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		files := map[string]string{}
		var names []string
		for range 120 {
			name := gambleName(random)
			if slices.ContainsFunc(names, func(other string) bool {
				return strings.HasPrefix(other+"/", name+"/") || strings.HasPrefix(name+"/", other+"/")
			}) {
				continue
			}
			names = append(names, name)
			files[name] = ""
			if dir := filepath.Dir(name); random.IntN(3) == 0 {
				files[filepath.Join(dir, attributesName)] = gamble(random)
			}
		}
		files[attributesName] = gamble(random)
		if random.IntN(10) == 0 { // the text of a link is read, as all that is in the index
			delete(files, attributesName)
			files[">"+attributesName] = strings.ReplaceAll(gamble(random), "\x00", "")
		}
		sha := asIs(t, r, "", files)
		found, want := attributesOf(t, r, sha), attributesByGit(t, r, sha)
		if len(found) != len(want) || len(want) < 6 {
			t.Fatalf("seed %d: %d attributes, want %d", seed, len(found), len(want))
		}
		for what, is := range want {
			if found[what] != is {
				t.Errorf("seed %d: %q is %q, want %q", seed, what, found[what], is)
			}
		}
		if t.Failed() {
			for name, content := range files {
				if strings.HasSuffix(name, attributesName) {
					t.Logf("%s:\n%q", name, strings.SplitAfter(content, "\n"))
				}
			}
			return
		}
	}
}

// cloned is what git clone makes of main.
func cloned(t *testing.T, r *gittest.Repo, config ...string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cloned")
	args := append(config, "clone", "--quiet", "--branch", "main", r.Dir, dir)
	git := exec.CommandContext(t.Context(), "git", args...)
	git.Env = gittest.Environ()
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := snapshot(t, dir)
	maps.DeleteFunc(found, func(name, _ string) bool { return name == ".git" || strings.HasPrefix(name, ".git/") })
	return found
}
