package gittest

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// ManyAttributes are ways to have a file converted, by its extension.
const ManyAttributes = `# all that matters
*.auto text=auto
*.autolf text=auto eol=lf
*.autocrlf text=auto eol=crlf
*.text text
*.textcrlf text eol=crlf
*.eolcrlf eol=crlf
*.eollf eol=lf
*.bin binary eol=crlf
*.input crlf=input eol=crlf
*.old crlf
*.ident ident
*.identauto ident text=auto
*.identcrlf ident text eol=crlf
*.identautocrlf ident text=auto eol=crlf
*.identautolf ident text=auto eol=lf
`

// Pick is one of several.
func Pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// Gamble makes lines of attributes, most of which make sense.
func Gamble(random *rand.Rand) string {
	var text strings.Builder
	for range 1 + random.IntN(8) {
		text.WriteString(Pick(random, "", "", "", "", " ", "\t"))
		if random.IntN(6) == 0 {
			text.WriteString(Pick(random, "[attr]m1", "[attr]m2", "[attr]m3", "[attr]binary", `"[attr]m1"`, "[attr] m1", "[attr]-m", "[attr]text"))
		} else {
			text.WriteString(gamblePattern(random))
		}
		for range random.IntN(4) {
			text.WriteString(Pick(random, " ", " ", "\t", "  ", " \r"))
			text.WriteString(Pick(random, "text", "-text", "!text", "text=auto", "text=input", "text=", "text=else", "crlf", "-crlf", "crlf=input",
				"eol=lf", "eol=crlf", "eol=else", "-eol", "!eol", "ident", "-ident", "!ident", "ident=x", "filter=lfs", "filter=a=b", "-filter",
				"binary", "-binary", "!binary", "binary=x", "m1", "-m1", "!m1", "m2", "m3", "m3=y", "working-tree-encoding=UTF-16", "diff", "merge=union", "export-ignore"))
		}
		if random.IntN(20) == 0 {
			text.WriteString(Pick(random, " --text", " -", " !", " =x", " a&b", " ä", " text eol=crlf # no comment", "\x00", " -text=x", " !eol=lf", strings.Repeat(" text", 500)))
		}
		text.WriteString(Pick(random, "\n", "\n", "\n", "\r\n", "\n\n", "\n# comment text\n"))
	}
	return text.String()
}

func gamblePattern(random *rand.Rand) string {
	for {
		var p strings.Builder
		for range 1 + random.IntN(6) {
			p.WriteString(Pick(random, "a", "b", "a", "b", "c", ".", "x.c", "*", "*", "*.c", "?", "/", "/", "**", "**/", "/**/", "/**", "[ab]", "[!a]", "[^b]", "[a-c]", "[b-", "[]a]",
				"[[:alpha:]]", "[[:digit:][:punct:]]", "[[:no:]]", "[[:alpha]", "[a\\]b]", "[\\a-\\c]", "[c-a]", "[a-]", "[--a]", "[", "]", "\\a", "\\*", "\\", "\\/", "!", "é", "\"", "#", "{a,b}"))
		}
		pattern := p.String()
		if prefixStars().MatchString(pattern) {
			continue
		}
		switch random.IntN(12) {
		case 0:
			return `"` + pattern + Pick(random, `"`, "", ` b"`, `\142"`, `\x"`, `\"a"`, `\000"`)
		case 1:
			return Pick(random, "*", "a", "*.c", "**", "a/**", "/a", "b/", "**/a/*", "*b.c", "*ax.c", "*a", "[!b]*", "!a", "!*")
		}
		return pattern
	}
}

// prefixStars are patterns that git reads in two ways: up to a version, ** did
// span directories behind letters too, against its documentation.
func prefixStars() *regexp.Regexp { return regexp.MustCompile(`^"?[^*?\[\\]*[^/*?\[\\]\*\*+(/|\\/|$)`) }

// GambleName makes a path that patterns may match.
func GambleName(random *rand.Rand) string {
	var name strings.Builder
	for i := range 1 + random.IntN(4) {
		if i > 0 {
			name.WriteByte('/')
		}
		for range 1 + random.IntN(3) {
			name.WriteString(Pick(random, "a", "b", "c", "a", "b", ".c", "x.c", "*", "-", "é", "\"", "[", "]", "\\", "1", " ", "!", "#", "Z", "{a,b}"))
		}
	}
	return name.String()
}
