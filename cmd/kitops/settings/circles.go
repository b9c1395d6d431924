package settings

import (
	"fmt"
	"slices"

	"github.com/bittrance/kitops/app"
)

// circles are tasks that require what they, or those that wait for them, report themselves.
func (s Settings) circles() []error {
	var mistakes []error
	for i, t := range s.Tasks {
		if s.waitsFor(i, i, make([]bool, len(s.Tasks))) {
			mistakes = append(mistakes, fmt.Errorf("task %s: requires %v is a circle: what it waits for is reported by the task itself, or by one that waits for it: name what is to come before", t.Name, t.Rules.Requires))
		}
	}
	return mistakes
}

// waitsFor tells whether a task requires what another one reports, or what is reported by a task that requires that.
func (s Settings) waitsFor(one, other int, seen []bool) bool {
	for i, t := range s.Tasks {
		if seen[i] || !s.requires(s.Tasks[one], t) {
			continue
		}
		seen[i] = true
		if i == other || s.waitsFor(i, other, seen) {
			return true
		}
	}
	return false
}

// requires tells whether a task requires by name what another one reports. What it requires of one App by a pattern does
// not count: it may be another App, and what a task says itself never counts for it.
func (s Settings) requires(t, other Task) bool {
	context := s.StatusContext(other)
	return context != "" && sameRepositories(t, other) && slices.ContainsFunc(t.Rules.Requires, func(text string) bool {
		q, err := app.ParseRequirement(text)
		return err == nil && q.Names(context) && (q.Anybodys() || q.Literal())
	})
}
