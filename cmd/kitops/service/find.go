package service

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

const largestFile = 64 << 20

// found is what is to become the service's.
type found struct {
	config string // the task file as it is now
	source []byte // of the task file
	copied bool   // it is not where the service reads it
	app    string // folder of an App to be copied; "": none
	api    string // where that App is registered, unless on github.com
}

// find looks for the task file and the App, and tries them where the service will have them. It only reads.
func (s *Service) find(p places) (found, error) {
	var f found
	var err error
	if f.config, err = s.taskFile(p); err != nil {
		return f, err
	}
	if f.source, err = read(f.config); err != nil {
		return f, err
	}
	environ := s.variables(p)
	if stored, err := app.LoadStored(p.App); err == nil && p.Secrets == "" && stored.APIURL != settings.DefaultConfig().App.APIURL {
		f.api = stored.APIURL // nothing but the service itself remembers it
	}
	if !s.User {
		if err := s.findApp(p, &f); err != nil {
			return f, err
		}
	}
	if f.app != "" {
		environ = append(environ, configuredIn(f.app)...)
	}
	if f.api != "" {
		environ = append(environ, "KITOPS_GITHUB_API_URL="+f.api)
	}
	before, err := settings.Preview(environ, f.config, f.source)
	if err != nil || s.User {
		return f, err
	}
	if f.copied = f.config != p.Config; !f.copied {
		return f, nil
	}
	after, err := settings.Preview(environ, p.Config, f.source)
	same := func(a, b settings.Task) bool { return a.Digest == b.Digest && a.URL == b.URL }
	if err != nil || !slices.EqualFunc(before.Tasks, after.Tasks, same) {
		return f, errors.Join(settings.Mistake("%s names files or repositories by paths from its own folder, and the service would read a copy of it, %s: make them absolute", f.config, p.Config), err)
	}
	return f, nil
}

// configuredIn are the variables of one whose settings.ConfigDir is a folder, on any system.
func configuredIn(folder string) []string {
	above := filepath.Dir(folder)
	home := filepath.Dir(above)
	if runtime.GOOS == darwinOS { // where it is in Library/Application Support
		home = filepath.Dir(home)
	}
	return []string{"APPDATA=" + above, "XDG_CONFIG_HOME=" + above, "HOME=" + home}
}

// taskFile is the one that was named, that is installed, or that the caller has.
func (s *Service) taskFile(p places) (string, error) {
	if s.ConfigFile != "" {
		return s.named(p)
	}
	if !s.User {
		if _, err := os.Stat(p.Config); err == nil {
			return p.Config, nil
		}
	}
	here, err := filepath.Abs("tasks.yaml")
	if err != nil {
		return "", fmt.Errorf("locate the task file: %w", err)
	}
	candidates := []string{here}
	for _, folder := range s.folders() {
		candidates = append(candidates, filepath.Join(folder, "tasks.yaml"))
	}
	slices.Sort(candidates)
	candidates = slices.DeleteFunc(slices.Compact(candidates), func(path string) bool { _, err := os.Stat(path); return err != nil })
	switch len(candidates) {
	case 0:
		return "", settings.Mistake("there is no task file here nor where kitops setup writes one: kitops init writes one, --config-file names one")
	case 1:
		return candidates[0], nil
	}
	return "", settings.Mistake("there are several task files: say --config-file with one of %s", strings.Join(candidates, ", "))
}

// named is the file of --config-file. It never replaces one that is installed.
func (s *Service) named(p places) (string, error) {
	path, err := filepath.Abs(s.ConfigFile)
	if err != nil {
		return "", fmt.Errorf("locate the task file: %w", err)
	}
	installed, err := os.ReadFile(p.Config)
	if s.User || err != nil {
		return path, nil //nolint:nilerr // there is none yet
	}
	source, err := read(path)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(source, installed) {
		return "", settings.Mistake("%s is there already, with other tasks than %s: change that file, or move it away", p.Config, path)
	}
	return p.Config, nil
}

// folders are where kitops setup stores: of sudo's caller, and of this user.
func (s *Service) folders() []string {
	var all []string
	if caller, err := user.Lookup(s.variable("SUDO_USER")); err == nil && !s.User {
		all = append(all, settings.ConfigDir([]string{"HOME=" + caller.HomeDir}))
	}
	all = append(all, settings.ConfigDir(s.Environ))
	return slices.Compact(slices.DeleteFunc(all, func(folder string) bool { return folder == "" }))
}

// findApp looks for the App that kitops setup has stored. One that is installed stays.
func (s *Service) findApp(p places, f *found) error {
	installed, err := app.LoadStored(p.App)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	have := err == nil
	for _, folder := range s.folders() {
		stored, err := app.LoadStored(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case have && (stored.AppID != installed.AppID || stored.APIURL != installed.APIURL):
			return settings.Mistake("the service has the App %q, in %s, and %s has the App %q: move one of them away", installed.Name, p.App, folder, stored.Name)
		case have:
			return nil
		}
		f.app = folder
		if stored.APIURL == settings.DefaultConfig().App.APIURL {
			return nil
		}
		f.api = stored.APIURL
		if _, err := os.Lstat(p.Secrets); err == nil && !slices.Contains(s.variables(p), "KITOPS_GITHUB_API_URL="+f.api) {
			return settings.Mistake("the App of %s is on another GitHub: put the line KITOPS_GITHUB_API_URL=%s into %s", folder, f.api, p.Secrets)
		}
		return nil
	}
	return nil
}

// read reads a file that may be a user's, of a size that memory has.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, settings.Mistake("%w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > largestFile {
		return nil, settings.Mistake("%s is no task file", path)
	}
	return os.ReadFile(path)
}
