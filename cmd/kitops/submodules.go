package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/git"
)

// submoduleCredentials are the repositories for which a task's credentials may
// be used when they are submodules. A submodule's address comes from the
// repository, so that whoever may push there could name any other.
type submoduleCredentials struct {
	Addresses []git.URL     // these repositories
	Patterns  *repoPatterns // and these of the App; nil: none
	Given     string        `json:",omitempty"` // the entries as they are written, for the digest alone
}

// add takes one address of the list.
func (c *submoduleCredentials) add(address string) error {
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
func (c *submoduleCredentials) match(patterns []string) error {
	if len(patterns) == 0 {
		return nil
	}
	p, err := parseRepoPatterns(patterns)
	c.Patterns = &p
	return err
}

func (c *submoduleCredentials) entries() []string {
	var all []string
	for _, url := range c.Addresses {
		all = append(all, url.String())
	}
	if c.Patterns != nil {
		all = append(all, c.Patterns.entries()...)
	}
	return all
}

// address is the entry for a repository, with the credentials it may hold.
func (c *submoduleCredentials) address(url git.URL) (git.URL, bool) {
	if c == nil {
		return url, false
	}
	for _, listed := range c.Addresses {
		if sameRepository(listed, url) {
			return listed, true
		}
	}
	return url, false
}

// sameRepository compares addresses as a person would: .git at the end and
// credentials tell nothing.
func sameRepository(a, b git.URL) bool { return plainAddress(a) == plainAddress(b) }

func plainAddress(url git.URL) string {
	return strings.TrimSuffix(strings.TrimRight(url.String(), "/"), ".git")
}

// reaches tells whether the list has a repository of an App.
func (c *submoduleCredentials) reaches(a *app.App, url git.URL) bool {
	owner, name, ok := a.Covers(url.String())
	if c == nil || !ok {
		return false
	}
	if c.Patterns != nil && c.Patterns.match(owner, name) {
		return true
	}
	for _, listed := range c.Addresses {
		o, n, ok := a.Covers(listed.String())
		if ok && strings.EqualFold(o, owner) && strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// submodules finds the mirrors of a task's submodules, each with the
// credentials that the task allows it.
func (w *wiring) submodules(s settings, t taskSettings, of *git.Mirror) func(git.URL) (*git.Mirror, error) {
	if !t.Checkout.Submodules {
		return nil
	}
	return func(url git.URL) (*git.Mirror, error) {
		anonymous, err := git.ParseURL(url.String())
		if err != nil {
			return nil, err
		}
		if anonymous.Below(filepath.Dir(w.mirrors.dir)) {
			return nil, errors.New("it is in kitops' own directory, where repositories of other tasks are")
		}
		if t.GitHub != nil {
			app := *t.GitHub
			app.Explicit = false // other hosts are none of its concern
			r, err := w.apps.repository(s, taskSettings{Name: t.Name, URL: anonymous, GitHub: &app})
			if err != nil {
				return nil, err
			}
			if r != nil && t.Checkout.Credentials.reaches(r.app, anonymous) {
				return w.mirrors.submodule(of, mirrorKey{url: r.clone, app: r.app}, r), nil
			}
		}
		if listed, ok := t.Checkout.Credentials.address(anonymous); ok {
			return w.mirrors.submodule(of, mirrorKey{url: listed, sshKeyFile: t.SSHKeyFile}, nil), nil
		}
		switch {
		case anonymous.SSH():
			return nil, fmt.Errorf("ssh needs a key: list %s in submodule_credentials of task %s", anonymous, t.Name)
		case anonymous.Local():
			return nil, fmt.Errorf("what is on this host needs leave: list %s in submodule_credentials of task %s", anonymous, t.Name)
		}
		return w.mirrors.submodule(of, mirrorKey{url: anonymous}, nil), nil
	}
}
