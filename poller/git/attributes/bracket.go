package attributes

import (
	"strings"
)

// bracket matches a byte against the set that begins at p, and says where the
// pattern goes on. Nothing is in a set that is not well formed.
func bracket(pattern string, p int, c byte) (in bool, next int) {
	s := bracketSet{rest: pattern[p+1:], c: c}
	negated := s.skip('!') || s.skip('^')
	for first := true; first || !s.skip(']'); first = false {
		if !s.member() {
			return false, p
		}
	}
	return s.in != negated && c != '/', len(pattern) - len(s.rest)
}

// bracketSet is the reading of a set, and whether a byte is in it.
type bracketSet struct {
	rest string // of the pattern
	c    byte
	in   bool
	low  byte // where a range may begin; 0: nowhere, as a pattern has no NUL
}

func (s *bracketSet) skip(b byte) bool {
	if s.rest == "" || s.rest[0] != b {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// member reads a class, a range or a byte. It is false where the set has no end,
// or a class that does not exist.
func (s *bracketSet) member() bool {
	if s.low != 0 && len(s.rest) > 1 && s.rest[0] == '-' && s.rest[1] != ']' {
		s.rest = s.rest[1:]
		high, ok := s.literal()
		s.in = s.in || s.c >= s.low && s.c <= high
		s.low = 0
		return ok
	}
	if after, ok := strings.CutPrefix(s.rest, "[:"); ok {
		name, rest, closed := strings.Cut(after, "]")
		if !closed {
			return false
		}
		if name, isClass := strings.CutSuffix(name, ":"); isClass {
			known, has := class(name, s.c)
			s.in, s.low, s.rest = s.in || has, 0, rest
			return known
		}
	}
	b, ok := s.literal()
	s.in, s.low = s.in || s.c == b, b
	return ok
}

// literal reads a byte, which may be escaped.
func (s *bracketSet) literal() (b byte, ok bool) {
	s.skip('\\')
	if s.rest == "" {
		return 0, false
	}
	b, s.rest = s.rest[0], s.rest[1:]
	return b, true
}

// class says whether a byte is in [:name:], and whether there is such a class.
func class(name string, c byte) (known, member bool) {
	lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
	graph := c > ' ' && c < 0x7f
	switch name {
	case "alnum":
		return true, lower || upper || digit
	case "alpha":
		return true, lower || upper
	case "blank":
		return true, c == ' ' || c == '\t'
	case "cntrl":
		return true, c < ' ' || c == 0x7f
	case "digit":
		return true, digit
	case "graph":
		return true, graph
	case "lower":
		return true, lower
	case "print":
		return true, graph || c == ' '
	case "punct":
		return true, graph && !lower && !upper && !digit
	case "space":
		return true, c == ' ' || c == '\t' || c == '\n' || c == '\r'
	case "upper":
		return true, upper
	case "xdigit":
		return true, digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	}
	return false, false
}
