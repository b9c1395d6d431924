package document

import (
	"fmt"
	"strings"
	"unicode"
)

// Quote writes a string on one line so that every YAML reader takes it for that string.
func Quote(s string) string {
	if isPlain(s) && !isReserved(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isPlain knows what every YAML reader takes for a string without quotes; goes with isReserved. That is words with one space
// between them, marks only within a word, and a letter or a slash first.
func isPlain(s string) bool {
	const marks = "-:@+=~"
	before := byte(' ')
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '/'
		word := letter || c >= '0' && c <= '9' || c == '_' || c == '.'
		switch {
		case i == 0 && !letter:
			return false
		case word, c != ' ' && before != ' ' && strings.IndexByte(marks, c) >= 0:
		case c != ' ' || before == ' ' || strings.IndexByte(marks, before) >= 0:
			return false
		}
		before = c
	}
	return before != ' ' && strings.IndexByte(marks, before) < 0
}

// isReserved knows the words that some YAML reader takes for something else than a string.
func isReserved(s string) bool {
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return false
}
