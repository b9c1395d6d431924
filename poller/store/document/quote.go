package document

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote writes a string on one line so that every YAML reader takes it for that string.
func Quote(s string) string {
	if isPlain(s) && !isReserved(s) {
		return s
	}
	return string(appendQuote(make([]byte, 0, len(s)+2), s))
}

// appendQuote is Quote at the end of a text.
func appendQuote(b []byte, s string) []byte {
	if isPlain(s) && !isReserved(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	simple := simplePart(s)
	b = append(b, s[:simple]...)
	for _, r := range s[simple:] {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return append(b, '"')
}

// simplePart is how many bytes at the beginning stand for themselves within quotes.
func simplePart(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// isQuoted knows what Quote has written.
func isQuoted(text string) bool {
	if !strings.HasPrefix(text, `"`) {
		return isPlain(text) && !isReserved(text)
	}
	if inner := text[1:]; simplePart(inner) == len(inner)-1 && inner[len(inner)-1] == '"' {
		inner = inner[:len(inner)-1]
		return !isPlain(inner) || isReserved(inner)
	}
	s, err := strconv.Unquote(text)
	return err == nil && Quote(s) == text
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
