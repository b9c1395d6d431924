package git

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestPatternsLikeGit asks git of many patterns whether they match many names.
func TestPatternsLikeGit(t *testing.T) {
	patterns := []string{
		"a", "/a", "a/", "/a/b", "a/b", "*", "**", "***", "/*", "/**", "*/", "*/*", "**/*", "*/**", "**/b", "**/a/b", "a/**", "a/**/b", "a/**/**/b", "/**/b", "a**", "*a", "*b*",
		"*.c", "*.*", "a.*", "?", "??", "?.c", "a?b", "[ab]", "[!ab]", "[^ab]", "a[!x]b", "a[^x]b", "[a-c]", "[c-a]", "[]a]", "[!]a]", "[a-]", "[-a]", "[a", "a[", "[]", "[a/b]", "a[/]b",
		"[[:alpha:]]", "[![:alpha:]]", "[[:alpha:][:digit:]]", "[[:alpha]", "[[:x:]]", "[[:]", "[[::]]", "[[.a.]]", "[[:upper:]]", "[[:space:]]b", "[[:punct:]]", "[[:xdigit:]]", "[[:cntrl:]]",
		"[[:print:]]", "[[:graph:]]", "[[:blank:]]b", "[[:lower:]]", "[[:alnum:]]", "[\\]]", "[\\a]", "[a\\-c]", "[\\a-\\c]", "[[-c]", "\\a", "\\*", "\\?", "\\[a]", "\\", "a\\", "\\\\", "\\!a", "!a", "\\#a",
		"**\\/b", "a\\/b", "*\\/b", "?**/b", "[a]**/b", "?/**", "{a,b}", "a//b", "//a", "a/./b", "*a*b*", "a*/b", "*/b*", "a/*/b", "*/*/b", "a/*", "a/b/c/*", "**/c/**", "**/b/*c", "**/?", "**/[a-c]/**/d",
		"\"a b\"", "\" b\"", "\"\\141\"", "\"a\\\\*\"", "\"*\\t\"", "\"a", "\"\\351\"", "\"\\303\\251\"", "é", "?é", "[é]", "*é", "\xff", "[\xfe-\xff]", "A", "[A-Z]", "*.C", ".c", ".*", "x.*.c", "*x.c", "*.x.c",
		"/p[!x]b", "/p[^-]b", "/p[/]b", "/p[.-1]b", "/p?b", "\"\\541\"", "\"\\041a\"",
	}
	names := []string{
		"a", "b", "c", "d", "A", "é", "\xff", " b", "a b", "#a", "!a", "*", "?", "[a]", "]", "[", "-", "a\\", "\\", "a\t", "1", "~", "\x7f", "{a,b}", "\rb", "\vb", "ab", "axb", "aéb", ".c", "a.c", "b.x.c", "x.y.c", "a.C",
		"p/a", "p/b", "p/b.c", "p/a/b", "p/a/x/b", "p/a/x/y/b", "p/a/b/c/d", "p/x/c/y/d", "p/ab/b", "q/b/xc", "q/r/s/t/u", "q/x.c/y",
	}
	files := map[string]string{}
	for i, pattern := range patterns {
		dir := fmt.Sprintf("%03d/", i)
		files[dir+attributesName] = pattern + " text\n"
		for _, name := range names {
			files[dir+name] = ""
			if rest, deep := strings.CutPrefix(name, "p/a/"); deep {
				files[dir+"aa/"+rest] = ""
			}
		}
	}
	r := gittest.New(t)
	sha := asIs(t, r, "", files)
	found, want := attributesOf(t, r, sha), attributesByGit(t, r, sha)
	matches := map[string]int{}
	for what, is := range want {
		if found[what] != is {
			t.Errorf("%q: %q is %q, want %q", patterns[atoi(what[:3])], what, found[what], is)
		}
		matches[is]++
	}
	if len(found) != len(want) || matches["set"] < 500 {
		t.Errorf("%d attributes, want %d, %v", len(found), len(want), matches)
	}
}

func atoi(digits string) (n int) {
	_, _ = fmt.Sscanf(digits, "%d", &n)
	return n
}

// TestWildmatchAll tries all short patterns on all short paths.
func TestWildmatchAll(t *testing.T) {
	var paths []string
	for _, path := range words("ab/", 6) {
		if path != "" && !strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "/") && !strings.Contains(path, "//") {
			paths = append(paths, path)
		}
	}
	for _, pattern := range words("a*?/", 6) {
		var want strings.Builder
		for rest := pattern; rest != ""; {
			stars := len(rest) - len(strings.TrimLeft(rest, "*"))
			begin := len(rest) == len(pattern) || pattern[len(pattern)-len(rest)-1] == '/'
			switch {
			case stars > 1 && begin && stars == len(rest):
				want.WriteString(".*")
			case stars > 1 && begin && rest[stars] == '/':
				want.WriteString("(.*/)?")
				stars++
			case stars > 0:
				want.WriteString("[^/]*")
			default:
				stars = 1
				want.WriteString(strings.ReplaceAll(rest[:1], "?", "[^/]"))
			}
			rest = rest[stars:]
		}
		is := regexp.MustCompile("^" + want.String() + "$")
		for _, path := range paths {
			w := wildmatch{steps: 1000}
			if w.match(pattern, []byte(path)) != is.MatchString(path) {
				t.Errorf("%q matches %q: %v", pattern, path, !is.MatchString(path))
			}
		}
	}
}

// words are all of some letters up to a length.
func words(letters string, length int) []string {
	all := []string{""}
	for begin := 0; length > 0; length-- {
		end := len(all)
		for _, word := range all[begin:end] {
			for _, letter := range letters {
				all = append(all, word+string(letter))
			}
		}
		begin = end
	}
	return all
}

// TestWildmatchTime has patterns that take forever where every way is tried.
func TestWildmatchTime(t *testing.T) {
	name := []byte(strings.Repeat("aaaa/", 800) + "a")
	for _, pattern := range []string{
		strings.Repeat("*a", 900) + "b", strings.Repeat("**/", 600) + "b", strings.Repeat("**/a*", 400) + "b", strings.Repeat("*/", 1000) + "b",
		strings.Repeat("**/*a", 400) + "/b", strings.Repeat("a*", 1000) + "/**/b", strings.Repeat("[a-z]*", 300) + "[", strings.Repeat(`**\/`, 400) + "b",
		strings.Repeat("?*", 1000), "**/" + strings.Repeat("aaaa/", 390) + "b", "**/" + strings.Repeat("*a/", 600) + "b",
	} {
		w := wildmatch{steps: maxAttributesSteps}
		if w.match(pattern, name) {
			t.Errorf("%.20s matches", pattern)
		}
		if w.steps < maxAttributesSteps-1<<27 {
			t.Errorf("%.20s takes %d steps", pattern, maxAttributesSteps-w.steps)
		}
	}
}
