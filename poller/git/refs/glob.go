package refs

import (
	"errors"
	"fmt"

	"github.com/bmatcuk/doublestar/v4"
)

// Glob says whether a pattern matches a name, by the rules of Patterns: * stays within one segment, ** spans several, ? is
// one character, [ab] and {a,b} are choices.
func Glob(pattern, name string) bool { return matchOne(pattern, name) }

// Wildcard is where the first wildcard of a pattern is, or its end.
func Wildcard(pattern string) int { return wildcard(pattern) }

// CheckGlob says what is wrong with the wildcards of a pattern.
func CheckGlob(pattern string) error {
	if len(pattern) > maxPattern {
		return fmt.Errorf("longer than %d bytes", maxPattern)
	}
	if !doublestar.ValidatePattern(pattern) {
		return errors.New("unbalanced brackets or braces")
	}
	_, err := choices(pattern)
	return err
}
