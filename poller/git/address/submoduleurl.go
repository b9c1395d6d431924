package address

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

// Submodule is the address of a submodule of this repository, as .gitmodules
// says it: whole, or seen from here when it begins with ./ or ../. Whoever may
// push could have written it, so only https and ssh are taken. A repository on
// this host may also have its submodules on this host, and over http from a
// loopback address; whoever asks decides which of them.
//
// The result has no password, and a user for ssh only: neither those of this
// repository are passed on, nor those that stand in the address.
func (u URL) Submodule(address string) (URL, error) {
	relative := isRelative(address)
	s, err := u.parseSubmodule(address)
	if err != nil {
		return URL{}, err
	}
	path := s.Path
	if plain, err := url.PathUnescape(path); err == nil && s.Scheme != "ssh" {
		path = plain
	}
	plainToo := (u.Local() || u.Loopback()) && s.Loopback()
	switch {
	case relative && s.Scheme != u.Scheme:
		return URL{}, errAbove
	case hasControl(path):
		return URL{}, errors.New("repository address contains control characters")
	case s.Local() && !u.Local():
		return URL{}, errors.New("a submodule comes over https or ssh, not from the files of this host")
	case s.Local() && !filepath.IsAbs(s.Path) && !relative:
		return URL{}, errors.New("a path of this host is absolute, or begins with ./ or ../")
	case s.Scheme == "http" && !plainToo:
		return URL{}, errors.New("a submodule comes over https or ssh, not over http")
	case s.Scheme == "ssh" && strings.HasPrefix(s.Path, "-"):
		return URL{}, errors.New("the path of the address could be taken for an option")
	case s.Password.Given():
		return URL{}, errors.New("its address holds a password, which is not used: take it out, and list the repository among those that get credentials")
	}
	s.Password = secret.Text{}
	if s.Scheme != "ssh" {
		s.User = secret.Text{} // may be a token
	}
	return s, nil
}

func (u URL) parseSubmodule(address string) (URL, error) {
	if !isRelative(address) {
		return ParseURL(address)
	}
	base := u.String()
	if u.Scheme == "" {
		if base = filepath.ToSlash(base); !filepath.IsAbs(u.Path) && !isRelative(base) {
			base = "./" + base
		}
	}
	s, err := resolveRelative(base, address)
	switch {
	case err != nil:
		return URL{}, err
	case u.Scheme == "": // a path stays one, whatever it looks like
		return URL{Path: filepath.FromSlash(s)}, nil
	}
	return ParseURL(s)
}

func isRelative(address string) bool {
	return strings.HasPrefix(address, "./") || strings.HasPrefix(address, "../")
}

var errAbove = errors.New("the relative address leads above the repository's host")

// resolveRelative joins addresses as git does for submodules: each ../ takes
// away what is behind the last slash, or else behind the last colon.
func resolveRelative(base, address string) (string, error) {
	base = strings.TrimSuffix(base, "/")
	separator, up := "/", false
	for {
		rest, ok := strings.CutPrefix(address, "../")
		if !ok {
			if rest, ok = strings.CutPrefix(address, "./"); !ok {
				break
			}
			address = rest
			continue
		}
		address, up = rest, true
		i := strings.LastIndexByte(base, '/')
		if i < 0 {
			i = strings.LastIndexByte(base, ':')
			separator = ":"
		}
		if i < 0 {
			return "", errAbove
		}
		base = base[:i]
	}
	if up && (strings.HasPrefix(address, "/") || strings.HasPrefix(address, ":")) {
		return "", errAbove // git's fsck refuses them: they could name another host
	}
	return base + separator + strings.TrimSuffix(address, "/"), nil
}
