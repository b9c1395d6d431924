package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// refPatterns makes patterns for full ref names of branches; none mean the
// default branch.
func refPatterns(branches []string) (git.Patterns, error) {
	if len(branches) == 0 {
		return git.Patterns{"HEAD"}, nil
	}
	var refs git.Patterns
	for _, branch := range branches {
		ref, err := refPattern(branch)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, validRefs(refs)
}

// maxPatterns is how many patterns a task may have: each is tried on each branch.
const maxPatterns = 100

func validRefs(refs git.Patterns) error {
	if len(refs) > maxPatterns {
		return fmt.Errorf("%d patterns are more than %d", len(refs), maxPatterns)
	}
	return refs.Validate()
}

func refPattern(branch string) (string, error) {
	name, excluded := strings.CutPrefix(branch, "!")
	switch {
	case name == "":
		return "", errors.New("empty branch")
	case name == "HEAD" || strings.HasPrefix(name, "refs/heads/"):
	case strings.HasPrefix(name, "refs/"):
		return "", fmt.Errorf("%q is no branch", name)
	case strings.HasPrefix(name, "pull/"):
		return "", fmt.Errorf("%q: pull requests are no branches: see the key pull_requests of the task file (a branch of this name is refs/heads/%s)", name, name)
	case strings.HasPrefix(name, "tags/"):
		return "", fmt.Errorf("%q: tags are no branches: see the key git.tags of the task file (a branch of this name is refs/heads/%s)", name, name)
	default:
		name = "refs/heads/" + name
	}
	if err := (git.Patterns{name}).Validate(); err != nil {
		return "", err
	}
	if excluded {
		return "!" + name, nil
	}
	return name, nil
}
