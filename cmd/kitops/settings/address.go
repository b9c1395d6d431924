package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/git"
)

// address reads the address of a repository as it was written. A relative path
// is seen from dir, and one within a work tree leads to its top, as with git.
func (c Config) address(text, dir string) (git.URL, error) {
	if name := regexp.MustCompile(`\$\{?[A-Za-z_]\w*\}?`).FindString(text); name != "" && !strings.HasPrefix(text, ".") && !filepath.IsAbs(text) {
		return git.URL{}, fmt.Errorf("%s stays as it is: nothing is expanded here (a dollar sign in a password is written %%24)", name)
	}
	url, err := git.ParseURL(text)
	if err != nil {
		return git.URL{}, err
	}
	resolved := url.Resolve(dir)
	if !url.Local() || strings.HasPrefix(text, "file:") {
		return resolved, nil
	}
	place := resolved.String()
	info, err := os.Stat(place)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if meant := c.meant(text); meant != "" {
			return git.URL{}, fmt.Errorf("there is no directory %s; did you mean %s?", text, meant)
		}
		return resolved, nil
	case err != nil || !info.IsDir():
		return resolved, nil //nolint:nilerr // git tells what is wrong with it
	}
	top, err := git.ParseURL(topOf(place, info))
	if err != nil {
		return resolved, nil //nolint:nilerr // then the path itself is what was meant
	}
	return top, nil
}

// meant is the address that somebody has in mind who writes github.com/acme/shop
// or acme/shop; "" for what looks like a path.
func (c Config) meant(text string) string {
	segments := strings.Split(strings.Trim(text, "/"), "/")
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasPrefix(text, "~") || strings.Contains(text, `\`) {
		return ""
	}
	switch host := segments[0]; {
	case len(segments) >= 3 && strings.Contains(host, "."):
		return "https://" + strings.Join(segments, "/")
	case len(segments) == 2 && !strings.Contains(host, "."):
		if web, err := app.WebURL(c.App.APIURL); err == nil {
			return web + "/" + strings.Join(segments, "/")
		}
	}
	return ""
}

// topOf is the directory itself, or the nearest above it that has a .git and
// belongs to the same user: another's repository is not what was meant.
func topOf(dir string, info os.FileInfo) string {
	if bare(dir) {
		return dir
	}
	for at := dir; ; at = filepath.Dir(at) {
		above, err := os.Stat(at)
		if err != nil || !sameOwner(info, above) {
			return dir
		}
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// bare tells a repository without a work tree.
func bare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
