package changes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/refs"
)

// Patterns select paths: api/**, *.go, !**/*.md. A * stays within one directory, ** spans any number of them. A path
// without wildcards, or one that ends with a slash, is what is below it, too. An exclusion wins wherever it stands; where
// there are only exclusions, all else is selected.
type Patterns []string

// Validate says what is wrong with the patterns, all of it at once.
func (p Patterns) Validate() error {
	var errs []error
	for _, pattern := range p {
		if err := validate(strings.TrimPrefix(pattern, "!")); err != nil {
			errs = append(errs, fmt.Errorf("pattern %q: %w", pattern, err))
		}
	}
	return errors.Join(errs...)
}

func validate(pattern string) error {
	segments := strings.Split(strings.TrimSuffix(pattern, "/"), "/")
	switch {
	case pattern == "":
		return errors.New("empty")
	case strings.HasPrefix(pattern, "/"):
		return errors.New("paths begin at the root of the repository: leave the first / out")
	case strings.Contains(pattern, `\`):
		return errors.New(`no path is matched that has a \ (directories are parted by /, and [*] is a star)`)
	case slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." }):
		return errors.New("empty, . and .. are no segments of a path")
	}
	return refs.CheckGlob(pattern)
}

// Select are the paths of a list that patterns select. Without patterns that is all.
func (p Patterns) Select(all List) List {
	if len(p) == 0 {
		return all
	}
	var found List
	for _, path := range all {
		if _, selected := p.Why(path); selected {
			found = append(found, path)
		}
	}
	return found
}

// Why tells whether the patterns select a path, and which one decides that: the first that excludes it, with its !, else the
// first that selects it; "" where none does.
func (p Patterns) Why(path Path) (pattern string, selected bool) {
	selected = !slices.ContainsFunc(p, func(s string) bool { return !strings.HasPrefix(s, "!") })
	for _, one := range p {
		switch excluding, excluded := strings.CutPrefix(one, "!"); {
		case excluded && matchOne(excluding, path.Name):
			return one, false
		case excluded || pattern != "":
		case matchOne(one, path.Name) || path.Submodule && mayMatchBelow(one, path.Name):
			pattern, selected = one, true
		}
	}
	return pattern, selected
}

const (
	told     = 3  // patterns that are named
	toldSize = 40 // bytes of one of them
)

// Where says in short where the patterns select: below api/, outside **/*.md.
func (p Patterns) Where() string {
	var in, outside []string
	word := "below "
	for _, one := range p {
		pattern, excluding := strings.CutPrefix(one, "!")
		pattern = strings.TrimSuffix(pattern, "**")
		if pattern == "" || !strings.HasSuffix(pattern, "/") {
			pattern = strings.TrimPrefix(one, "!")
		}
		if len(pattern) > toldSize {
			pattern = strings.ToValidUTF8(pattern[:toldSize], "") + "…"
		}
		if excluding {
			outside = append(outside, pattern)
			continue
		}
		in = append(in, pattern)
		if !strings.HasSuffix(pattern, "/") {
			word = "in "
		}
	}
	var parts []string
	if len(in) > 0 {
		parts = append(parts, word+few(in))
	}
	if len(outside) > 0 {
		parts = append(parts, "outside "+few(outside))
	}
	return strings.Join(parts, ", ")
}

// few names the first of them.
func few(patterns []string) string {
	if more := len(patterns) - told; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(patterns[:told], ", "), more)
	}
	return strings.Join(patterns, ", ")
}

func matchOne(pattern, path string) bool {
	if below, is := strings.CutSuffix(pattern, "/"); is {
		return refs.Glob(below+"/**", path)
	}
	if refs.Wildcard(pattern) == len(pattern) {
		return path == pattern || len(path) > len(pattern) && path[len(pattern)] == '/' && strings.HasPrefix(path, pattern)
	}
	return refs.Glob(pattern, path)
}

// mayMatchBelow says whether a pattern could select something below a directory. In doubt it could.
func mayMatchBelow(pattern, dir string) bool {
	if refs.Wildcard(pattern) == len(pattern) {
		return strings.HasPrefix(strings.TrimSuffix(pattern, "/")+"/", dir+"/") || matchOne(pattern, dir)
	}
	if strings.ContainsAny(pattern, "{") { // choices may have slashes
		plain := pattern[:refs.Wildcard(pattern)]
		return strings.HasPrefix(plain, dir+"/") || strings.HasPrefix(dir+"/", plain)
	}
	segments, dirs := strings.Split(pattern, "/"), strings.Split(dir, "/")
	for i, segment := range segments {
		switch {
		case segment == "**" || i >= len(dirs):
			return true
		case !refs.Glob(segment, dirs[i]):
			return false
		}
	}
	return false
}
