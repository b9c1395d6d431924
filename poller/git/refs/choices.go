package refs

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxPattern = 1024 // bytes of a pattern
	maxChoices = 256  // patterns that the braces of one stand for
)

// choices are the patterns without braces that one with braces stands for. Each
// of them is matched in a number of steps that its length bounds, which the
// braces themselves would double each time.
func choices(pattern string) ([]string, error) {
	open := braces(pattern)
	if open < 0 {
		return []string{pattern}, nil
	}
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	done, todo := []string(nil), []string{pattern}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		open := braces(next)
		if open < 0 {
			done = append(done, next)
			continue
		}
		parts, rest, ok := alternatives(next[open+1:])
		if !ok {
			return nil, errors.New("unbalanced brackets or braces")
		}
		if len(done)+len(todo)+len(parts) > maxChoices {
			return nil, fmt.Errorf("its braces stand for more than %d names", maxChoices)
		}
		for _, part := range parts {
			todo = append(todo, next[:open]+part+rest)
		}
	}
	return done, nil
}

// braces is where the first brace is that is in no class of characters, or -1.
func braces(pattern string) int {
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '{':
			return i
		case '[':
			end := strings.IndexByte(pattern[i:], ']')
			if end < 0 {
				return -1
			}
			i += end
		}
	}
	return -1
}

// alternatives takes apart what is between a brace and the one that closes it.
func alternatives(s string) (parts []string, rest string, ok bool) {
	deep, from := 1, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			if end := strings.IndexByte(s[i:], ']'); end >= 0 {
				i += end
			}
		case '{':
			deep++
		case '}':
			if deep--; deep == 0 {
				return append(parts, s[from:i]), s[i+1:], true
			}
		case ',':
			if deep == 1 {
				parts, from = append(parts, s[from:i]), i+1
			}
		}
	}
	return nil, "", false
}
