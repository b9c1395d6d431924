package worktree

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/attributes"
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
		files[dir+attributes.FileName] = pattern + " text\n"
		for _, name := range names {
			files[dir+name] = ""
			if rest, deep := strings.CutPrefix(name, "p/a/"); deep {
				files[dir+"aa/"+rest] = ""
			}
		}
	}
	r := gittest.New(t)
	sha := gittest.AsIs(t, r, "", files)
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
