package refs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Head is the pattern for the remote's default branch, and the ref of a
// detached HEAD.
const Head = "HEAD"

// Patterns select refs by their full names: refs/heads/main,
// refs/heads/release/*, !refs/heads/release/old-*, or HEAD for the remote's
// default branch. A * stays within one segment, ** spans several, ? is one
// character, [ab] and {a,b} are choices.
type Patterns []string

// Validate says what is wrong with the patterns, all of it at once.
func (p Patterns) Validate() error {
	var errs []error
	var includes int
	for _, pattern := range p {
		name, excluded := strings.CutPrefix(pattern, "!")
		if !excluded {
			includes++
		}
		if err := validatePattern(name); err != nil {
			errs = append(errs, fmt.Errorf("pattern %q: %w", pattern, err))
		} else if excluded && name == Head {
			errs = append(errs, fmt.Errorf("pattern %q: the default branch is excluded by its name", pattern))
		}
	}
	if len(p) == 0 {
		errs = append(errs, errors.New("no branch given"))
	} else if includes == 0 {
		errs = append(errs, errors.New("only exclusions: nothing would ever match (begin with ** for all but these)"))
	}
	return errors.Join(errs...)
}

// validatePattern holds a pattern to git-check-ref-format(1), leaving out the
// rules that its wildcards may fulfil.
func validatePattern(name string) error {
	rest, full := strings.CutPrefix(name, "refs/")
	switch {
	case name == "":
		return errors.New("empty")
	case name == Head:
		return nil
	case !full || rest == "":
		return errors.New("not a full ref name: it begins with refs/")
	case strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return errors.New("empty segment")
	case strings.HasSuffix(name, "."):
		return errors.New("no ref ends in a dot")
	case strings.Contains(name, "..") || strings.Contains(name, "@{"):
		return errors.New("no ref contains .. or @{")
	}
	if i := strings.IndexFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`~:\`, r)
	}); i >= 0 {
		return fmt.Errorf("no ref contains %q", name[i])
	}
	if literal(name) && strings.Contains(name, "^") {
		return errors.New("no ref contains '^'")
	}
	for segment := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(segment, ".") || strings.HasSuffix(segment, ".lock") {
			return fmt.Errorf("no ref has a segment like %q", segment)
		}
	}
	if len(name) > maxPattern {
		return fmt.Errorf("longer than %d bytes", maxPattern)
	}
	if !doublestar.ValidatePattern(name) {
		return errors.New("unbalanced brackets or braces")
	}
	_, err := choices(name)
	return err
}

// Match says whether the patterns select ref, and whether one of them names it
// letter by letter. An exclusion wins wherever it stands. HEAD matches only the
// ref HEAD: see Literal for the branch it stands for.
func (p Patterns) Match(ref string) (matched, named bool) {
	for _, pattern := range p {
		excluding, excluded := strings.CutPrefix(pattern, "!")
		switch {
		case excluded && matchOne(excluding, ref):
			return false, false
		case excluded:
		case pattern == ref:
			matched, named = true, true
		case matchOne(pattern, ref):
			matched = true
		}
	}
	return matched, named
}

// Literal says of a ref that Heads returned whether it was asked for by name:
// letter by letter, or as the default branch.
func (p Patterns) Literal(ref string) bool {
	matched, named := p.Match(ref)
	return named || !matched && slices.Contains(p, Head)
}

func matchOne(pattern, ref string) bool {
	if literal(pattern) {
		return pattern == ref
	}
	if !strings.HasPrefix(ref, pattern[:wildcard(pattern)]) && !strings.Contains(pattern, "**") {
		return false
	}
	plain, err := choices(pattern)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(plain, func(one string) bool {
		ok, err := doublestar.Match(one, ref)
		return ok && err == nil
	})
}

func literal(pattern string) bool { return !strings.ContainsAny(pattern, "*?[{") }
