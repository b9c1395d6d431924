package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// clashes are tasks that would paint over each other's commit statuses: they
// report on one repository with one context, and some ref may be both's.
func (s Settings) clashes() []error {
	var mistakes []error
	for i, a := range s.Tasks {
		context := s.StatusContext(a)
		for _, b := range s.Tasks[:i] {
			if context == "" || context != s.StatusContext(b) || !sameRepositories(a, b) || apart(a.Refs, b.Refs) {
				continue
			}
			mistakes = append(mistakes, fmt.Errorf("tasks %s and %s report on the same repository with the same context %s, one over the other: give one a status_context of its own, or branches that exclude each other", b.Name, a.Name, context))
		}
	}
	return mistakes
}

func sameRepositories(a, b Task) bool {
	switch {
	case a.Repos != nil && b.Repos != nil:
		return strings.Join(a.Repos.Entries(), "\n") == strings.Join(b.Repos.Entries(), "\n")
	case a.Repos != nil:
		a, b = b, a
		fallthrough
	case b.Repos != nil:
		parts := strings.Split(a.URL.Plain(), "/")
		return len(parts) > 2 && !a.URL.Local() && b.Repos.Match(parts[len(parts)-2], parts[len(parts)-1])
	}
	return strings.EqualFold(a.URL.Plain(), b.URL.Plain())
}

// apart tells whether no branch can match both.
func apart(a, b git.Patterns) bool {
	for _, one := range a {
		for _, other := range b {
			if !strings.HasPrefix(one, "!") && !strings.HasPrefix(other, "!") && !apartPatterns(one, other, a, b) {
				return false
			}
		}
	}
	return true
}

// apartPatterns knows names, and what patterns begin with. The default branch
// may be any.
func apartPatterns(one, other string, a, b git.Patterns) bool {
	if one == "HEAD" || other == "HEAD" {
		return false
	}
	const wild = "*?[{\\"
	first, second := one[:wildcard(one, wild)], other[:wildcard(other, wild)]
	switch {
	case first == one: // a name
		matched, _ := b.Match(one)
		return !matched
	case second == other:
		matched, _ := a.Match(other)
		return !matched
	}
	return !strings.HasPrefix(first, second) && !strings.HasPrefix(second, first)
}

func wildcard(pattern, wild string) int {
	if i := strings.IndexAny(pattern, wild); i >= 0 {
		return i
	}
	return len(pattern)
}

// checkStatusContext is for who means none and would get a context of that name.
func checkStatusContext(text string) error {
	if text != StatusesOff && strings.EqualFold(text, StatusesOff) {
		return errors.New("would be a context of this name; write off, in small letters, for no commit statuses")
	}
	return checkContext(text)
}
