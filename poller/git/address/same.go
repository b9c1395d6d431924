package address

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// Same says whether two addresses are one repository as a person would see it,
// however they are spelt: .git and slashes at the end, passwords, the case of the
// host and a port that says nothing make no difference, nor do host:path and
// ssh://, percent signs, or file:// and a path with links in it. The user of ssh
// does, since it may have a home of its own.
func (u URL) Same(other URL) bool { return u.Plain() == other.Plain() }

// Plain is the same text for all spellings of one repository. It is to be
// compared, not shown.
func (u URL) Plain() string {
	if u.Local() {
		return "file:" + realPath(u.Path)
	}
	at := u.Path
	if decoded, err := url.PathUnescape(at); err == nil && u.Scheme != "ssh" {
		at = decoded
	}
	who := ""
	if u.Scheme == "ssh" {
		who = u.User.Reveal() + "@"
	}
	return who + u.Origin() + strings.TrimSuffix(path.Clean("/"+at), ".git")
}

// realPath follows links of a repository's directory, with .git or without.
func realPath(name string) string {
	name = filepath.Clean(name)
	for _, candidate := range []string{name, name + ".git"} {
		if real, err := filepath.EvalSymlinks(candidate); err == nil {
			name = real
			break
		}
	}
	name = strings.TrimSuffix(name, string(filepath.Separator)+".git")
	return strings.TrimSuffix(name, ".git")
}
