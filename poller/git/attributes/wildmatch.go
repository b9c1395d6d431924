package attributes

import (
	"bytes"
	"strings"
)

// wildmatch matches paths against patterns as gitignore(5) has them. A * stays
// within a segment, and so it is enough to remember the last one and the last
// **: time is at most that of trying the pattern once at each byte.
type wildmatch struct {
	Steps int64 // that may still be taken; nothing matches when none is left
}

// wildState is a try of a pattern: where it is, and where it could go on.
type wildState struct {
	pattern string
	name    []byte
	p, n    int // next in pattern and name

	starP, starN int // behind the last *, and what it has taken; 0: none in this segment
	deepP, deepN int // behind the slash of the last **/, and what it has taken; 0: none
}

func (w *wildmatch) match(pattern string, name []byte) bool {
	s := wildState{pattern: pattern, name: name}
	cost := 1 + len(name)/64 // looking for the next slash is fast
	for w.Steps > 0 {
		w.Steps -= int64(cost)
		switch {
		case s.p < len(pattern) && pattern[s.p] == '*':
			if matches, ended := s.stars(); ended {
				return matches
			}
		case s.n == len(name):
			return s.p == len(pattern) // more of the name would not help
		case s.p < len(pattern) && s.one():
		case !s.back():
			return false
		}
	}
	return false
}

// stars goes behind a row of them, unless that ends the try.
func (s *wildState) stars() (matches, ended bool) {
	begin := s.p
	for s.p < len(s.pattern) && s.pattern[s.p] == '*' {
		s.p++
	}
	rest := s.pattern[s.p:]
	slash := strings.HasPrefix(rest, "/")
	escaped := strings.HasPrefix(rest, `\/`)
	deep := s.p-begin > 1 && (begin == 0 || s.pattern[begin-1] == '/') && (rest == "" || slash || escaped)
	switch {
	case !deep:
		s.starP, s.starN = s.p, s.n
		matches = rest == "" && bytes.IndexByte(s.name[s.n:], '/') < 0
		return matches, matches
	case rest == "":
		return true, true
	case slash: // no directory at all is one way
		s.p++
		s.starP, s.deepP, s.deepN = 0, s.p, s.n
		return false, false
	default:
		s.starP, s.deepP, s.deepN = 0, s.p+2, s.n
		return false, !s.back()
	}
}

// back takes one more for the last * or, where it cannot, the last **.
func (s *wildState) back() bool {
	if s.starP > 0 && s.name[s.starN] != '/' {
		s.starN++
		s.p, s.n = s.starP, s.starN
		return true
	}
	if s.deepP == 0 {
		return false
	}
	slash := bytes.IndexByte(s.name[s.deepN:], '/')
	if slash < 0 {
		return false
	}
	s.deepN += slash + 1
	s.p, s.n, s.starP = s.deepP, s.deepN, 0
	return true
}

// one matches one byte against one part of the pattern.
func (s *wildState) one() bool {
	c, next := s.name[s.n], s.p+1
	var ok bool
	switch s.pattern[s.p] {
	case '?':
		ok = c != '/'
	case '[':
		ok, next = bracket(s.pattern, s.p, c)
	case '\\':
		next++
		ok = s.p+1 < len(s.pattern) && s.pattern[s.p+1] == c
	default:
		ok = s.pattern[s.p] == c
	}
	if !ok {
		return false
	}
	if c == '/' {
		s.starP = 0 // what is behind a slash does not change what was before
	}
	s.p = next
	s.n++
	return true
}
