package attributes

import (
	"strings"
)

const macroPrefix = "[attr]"

// line is one line of a file: a pattern or the name of a macro, and
// the text of what it sets.
type line struct {
	name   string
	macro  bool
	states string
}

// parseLine takes a line apart. It is not ok when there is nothing in it, when
// it is too long, or when it defines a macro where none may be.
func parseLine(line string, top bool) (l line, ok bool) {
	rest := strings.TrimLeft(line, blanks)
	if rest == "" || rest[0] == '#' || len(line) >= maxLine {
		return l, false
	}
	name, states, quoted := unquote(rest)
	if !quoted {
		name, states = cutWord(rest)
	}
	l.macro = len(name) > len(macroPrefix) && strings.HasPrefix(name, macroPrefix)
	l.name, _, _ = strings.Cut(name, "\x00") // as the string of C that it is to git
	l.states = strings.TrimLeft(states, blanks)
	if !l.macro {
		return l, true
	}
	l.name, _ = cutWord(strings.TrimLeft(l.name[len(macroPrefix):], blanks))
	return l, top && validAttribute(l.name)
}

// cutWord splits before the first blank.
func cutWord(s string) (word, rest string) {
	if i := strings.IndexAny(s, blanks); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// settings are those of the attributes that matter. One mistake spoils all.
func (v *Vocabulary) settings(states string) (settings []setting, ok bool) {
	for states != "" {
		var word string
		word, states = cutWord(states)
		states = strings.TrimLeft(states, blanks)
		s := setting{State: set}
		name, value, assigned := strings.Cut(word, "=")
		switch {
		case word[0] == '-':
			name, s.State = name[1:], unset
		case word[0] == '!':
			name, s.State = name[1:], unspecified
		case assigned:
			s.State, s.Value = Valued, value
		}
		if !validAttribute(name) {
			return nil, false
		}
		if attr, matters := v.names[name]; matters {
			s.attr = attr
			settings = append(settings, s)
		}
	}
	return settings, true
}

// validAttribute says whether git takes a name for an attribute.
func validAttribute(name string) bool {
	if name == "" || name[0] == '-' || strings.HasPrefix(name, "builtin_") {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// matchesFiles says whether a pattern can match a file at all: not if it is for
// directories, or an exclusion, which only .gitignore knows.
func matchesFiles(pattern string) bool {
	return pattern != "" && pattern[0] != '!' && pattern[len(pattern)-1] != '/'
}

// unquote reads a pattern in quotes, with escapes as in C. What is not closed
// or not well escaped is no quoted pattern.
func unquote(s string) (text, rest string, ok bool) {
	if s[0] != '"' {
		return "", "", false
	}
	var out []byte
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return string(out), s[i+1:], true
		}
		if c == '\\' {
			var length int
			if c, length = unescape(s[i+1:]); length == 0 {
				return "", "", false
			}
			i += length
		}
		out = append(out, c)
	}
	return "", "", false
}

// unescape reads what follows a backslash. A length of 0 says that nothing
// does that could.
func unescape(s string) (c byte, length int) {
	if s == "" {
		return 0, 0
	}
	if i := strings.IndexByte(`abfnrtv\"`, s[0]); i >= 0 {
		return "\a\b\f\n\r\t\v\\\""[i], 1
	}
	if len(s) < 3 || s[0] > '3' {
		return 0, 0
	}
	for _, digit := range []byte(s[:3]) {
		if digit < '0' || digit > '7' {
			return 0, 0
		}
		c = c<<3 | (digit - '0')
	}
	return c, 3
}
