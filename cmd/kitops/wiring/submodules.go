package wiring

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// reaches tells whether the list has a repository of an App.
func reaches(c *settings.SubmoduleCredentials, a *app.App, url git.URL) bool {
	owner, name, ok := a.Covers(url.String())
	if c == nil || !ok {
		return false
	}
	if c.Patterns != nil && c.Patterns.Match(owner, name) {
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
func (w *Wiring) submodules(s settings.Settings, t settings.Task, of *git.Mirror) func(git.URL) (*git.Mirror, error) {
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
			r, err := w.apps.repository(s, settings.Task{Name: t.Name, URL: anonymous, GitHub: &app})
			if err != nil {
				return nil, err
			}
			if r != nil && reaches(t.Checkout.Credentials, r.App, anonymous) {
				return w.mirrors.submodule(of, mirrorKey{url: r.clone, app: r.App}, r), nil
			}
		}
		if listed, ok := t.Checkout.Credentials.Address(anonymous); ok {
			return w.mirrors.submodule(of, mirrorKey{url: listed, sshKeyFile: t.SSHKeyFile}, nil), nil
		}
		switch {
		case anonymous.SSH():
			return nil, fmt.Errorf("ssh needs a key: list %s in submodule_credentials of task %s", anonymous, t.Name)
		case anonymous.Near() && !t.URL.Local() && !t.URL.Near():
			return nil, fmt.Errorf("an address of this host or its link needs leave: list %s in submodule_credentials of task %s", anonymous, t.Name)
		case anonymous.Local():
			return nil, fmt.Errorf("what is on this host needs leave: list %s in submodule_credentials of task %s", anonymous, t.Name)
		}
		beside := t.URL.Local() || t.URL.Near() || strings.EqualFold(t.URL.Host, anonymous.Host)
		return w.mirrors.submodule(of, mirrorKey{url: anonymous, distant: !beside}, nil), nil
	}
}
