package settings

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// SubmoduleCredentials are the repositories for which a task's credentials may
// be used when they are submodules. A submodule's address comes from the
// repository, so that whoever may push there could name any other.
type SubmoduleCredentials struct {
	Addresses []git.URL     // these repositories
	Patterns  *RepoPatterns // and these of the App; nil: none
	Given     string        `json:",omitempty"` // the entries as they are written, for the digest alone
}

// Add takes one address of the list.
func (c *SubmoduleCredentials) Add(address string) error {
	url, err := git.ParseURL(address)
	switch {
	case err != nil:
		return err
	case url.Local() && !filepath.IsAbs(address) && !strings.HasPrefix(address, "file:"):
		return errors.New("neither an address nor a pattern such as OWNER/*")
	}
	c.Addresses = append(c.Addresses, url)
	return nil
}

// match takes the patterns of the list.
func (c *SubmoduleCredentials) match(patterns []string) error {
	if len(patterns) == 0 {
		return nil
	}
	p, err := parseRepoPatterns(patterns)
	c.Patterns = &p
	return err
}

func (c *SubmoduleCredentials) entries() []string {
	var all []string
	for _, url := range c.Addresses {
		all = append(all, url.String())
	}
	if c.Patterns != nil {
		all = append(all, c.Patterns.Entries()...)
	}
	return all
}

// Address is the entry for a repository, with the credentials it may hold.
func (c *SubmoduleCredentials) Address(url git.URL) (git.URL, bool) {
	if c == nil {
		return url, false
	}
	for _, listed := range c.Addresses {
		if listed.Same(url) {
			return listed, true
		}
	}
	return url, false
}
