package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/bittrance/kitops/poller/git"
)

// RepoPatterns select among the repositories that a GitHub App covers.
type RepoPatterns struct {
	Include, Exclude []string // owner/name in lower case, with wildcards
	Hosts            []string // https://HOST of the entries that name one
}

// isRepoPattern tells a pattern for repositories from the address of one.
func isRepoPattern(entry string) bool {
	if strings.HasPrefix(entry, "!") {
		return true
	}
	if !strings.ContainsAny(entry, "*?[{") || strings.HasPrefix(entry, "file:") {
		return false
	}
	if strings.Contains(entry, "://") {
		return true
	}
	// owner/name: what begins with a dot or a slash is a local path.
	return strings.Count(entry, "/") == 1 && !strings.HasPrefix(entry, ".") && !strings.HasPrefix(entry, "/")
}

// parseRepoPatterns reads entries such as https://github.com/acme/*,
// acme/{api,web}-* and !acme/attic-*. All mistakes are reported.
func parseRepoPatterns(entries []string) (RepoPatterns, error) {
	var p RepoPatterns
	var errs []error
	for _, entry := range entries {
		pattern, excluded := strings.CutPrefix(entry, "!")
		host, path, err := splitRepoPattern(pattern)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", entry, err))
			continue
		}
		if host != "" {
			p.Hosts = append(p.Hosts, host)
		}
		if excluded {
			p.Exclude = append(p.Exclude, path)
		} else {
			p.Include = append(p.Include, path)
		}
	}
	if len(errs) == 0 && len(p.Include) == 0 {
		errs = append(errs, errors.New("only exclusions: no repository would ever match"))
	}
	return p, errors.Join(errs...)
}

func splitRepoPattern(pattern string) (host, path string, err error) {
	path = pattern
	if scheme, rest, absolute := strings.Cut(pattern, "://"); absolute {
		if scheme != "https" && scheme != "http" {
			return "", "", errors.New("repositories are selected by https://HOST/OWNER/NAME or OWNER/NAME")
		}
		var name string
		name, path, _ = strings.Cut(rest, "/")
		if strings.ContainsAny(name, "*?[{@") || name == "" {
			return "", "", errors.New("the host must be written out, without credentials")
		}
		host = scheme + "://" + strings.ToLower(name)
	} else if url, err := git.ParseURL(pattern); err == nil && !url.Local() {
		return "", "", errors.New("repositories are selected by https://HOST/OWNER/NAME or OWNER/NAME")
	}
	path = strings.ToLower(strings.TrimSuffix(strings.Trim(path, "/"), ".git"))
	owner, name, found := strings.Cut(path, "/")
	switch {
	case !found || owner == "" || name == "" || strings.Contains(name, "/"):
		return "", "", errors.New("not of the form OWNER/NAME")
	case len(path) > maxRepo || strings.Count(path, "{") > 4 || strings.Count(path, ",") > 64:
		return "", "", errors.New("too long, or with too many braces")
	case !doublestar.ValidatePattern(path):
		return "", "", errors.New("unbalanced brackets or braces")
	}
	return host, path, nil
}

// Match tells whether a repository is selected. An exclusion wins wherever it stands.
func (p RepoPatterns) Match(owner, name string) bool {
	full := strings.ToLower(owner + "/" + name)
	for _, pattern := range p.Exclude {
		if doublestar.MatchUnvalidated(pattern, full) {
			return false
		}
	}
	for _, pattern := range p.Include {
		if doublestar.MatchUnvalidated(pattern, full) {
			return true
		}
	}
	return false
}

// name is what a task on these repositories is called that has no name of its own.
func (p RepoPatterns) name() string {
	owner, _, _ := strings.Cut(p.Include[0], "/")
	if strings.ContainsAny(owner, "*?[{") {
		return "repositories"
	}
	return owner
}

// Entries are the patterns as a task file has them.
func (p RepoPatterns) Entries() []string {
	all := append([]string(nil), p.Include...)
	for _, pattern := range p.Exclude {
		all = append(all, "!"+pattern)
	}
	return all
}
