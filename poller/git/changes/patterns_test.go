package changes

import (
	"strings"
	"testing"
)

// TestWhere says in a few words, however many patterns there are, where nothing has changed.
func TestWhere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 100)
	for want, patterns := range map[string]Patterns{
		"":                               nil,
		"below api/":                     {"api/**"},
		"below api/, lib/":               {"api/", "lib/**"},
		"in api/, Makefile":              {"api/**", "Makefile"},
		"in **/*.go":                     {"**/*.go"},
		"in **":                          {"**"},
		"outside docs/":                  {"!docs/**"},
		"below api/, outside **/*.md":    {"!**/*.md", "api/**"},
		"below a/, b/, c/ and 2 more":    {"a/", "b/", "c/", "d/", "e/"},
		"in " + long[:toldSize] + "…":    {long},
		"in " + long[:toldSize-2] + "x…": {long[:toldSize-2] + "x" + long},
	} {
		if got := patterns.Where(); got != want {
			t.Errorf("%v: %q, want %q", patterns, got, want)
		}
	}
}
