package refs

import (
	"slices"
	"strings"
)

// Prefixes ask for no more refs than the patterns may select. HEAD is always
// among them, so that an answer without any ref says that it cannot be trusted.
func Prefixes(patterns Patterns) []string {
	prefixes := []string{Head}
	for _, pattern := range patterns {
		if !strings.HasPrefix(pattern, "!") && pattern != Head {
			prefixes = append(prefixes, pattern[:wildcard(pattern)])
		}
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

// wildcard is where the first one is, or the end.
func wildcard(pattern string) int {
	if i := strings.IndexAny(pattern, `*?[{\`); i >= 0 {
		return i
	}
	return len(pattern)
}
