package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/files"
)

// put writes the files of the service. What is there already is kept, so that it
// goes on where an earlier one was cut off. It tells whether anything changed.
func (s *Service) put(ctx context.Context, p *places, f found) (changed bool, err error) {
	if s.User {
		p.Config = f.config
	}
	p.API = f.api
	if s.system() == windowsOS { // whose services are no files
		if err := s.guardWindows(ctx, *p); err != nil {
			return false, err
		}
		return s.putSystem(ctx, *p, f)
	}
	unit, err := s.unit(*p)
	if err != nil {
		return false, err
	}
	if s.User || s.system() == darwinOS { // a unit of systemd says it
		for _, dir := range []string{filepath.Dir(p.State), p.RepoDir} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return false, err
			}
		}
	}
	if !s.User {
		if changed, err = s.putSystem(ctx, *p, f); err != nil {
			return false, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(p.Unit), 0o755); err != nil {
		return false, err
	}
	written, err := replace(p.Unit, []byte(unit), 0o644)
	if err != nil {
		return false, fmt.Errorf("write the unit: %w", err)
	}
	label(ctx, p.Unit)
	return changed || written, nil
}

// putSystem writes what only a service of the machine has: copies that are root's alone.
func (s *Service) putSystem(ctx context.Context, p places, f found) (changed bool, err error) {
	if s.system() == "linux" {
		if err := s.addUser(ctx, p.ActionUser); err != nil {
			return false, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(p.Config), 0o755); err != nil {
		return false, err
	}
	if f.copied {
		if err := app.WriteNew(p.Config, f.source); err != nil {
			return false, fmt.Errorf("copy the task file: %w", err)
		}
		s.say("Copied the task file %s to %s, which is the one that counts from now on.", f.config, p.Config)
		changed = true
	}
	if f.api != "" && p.Secrets != "" {
		if err := writeOnce(p.Secrets, []byte("KITOPS_GITHUB_API_URL="+f.api+"\n")); err != nil {
			return false, err
		}
	}
	if f.app != "" {
		if err := s.copyApp(f.app, p.App); err != nil {
			return false, fmt.Errorf("copy the App: %w", err)
		}
		changed = true
	}
	program, err := os.ReadFile(s.Program)
	if err != nil {
		return false, fmt.Errorf("copy the program: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(p.Program), 0o755); err != nil {
		return false, err
	}
	written, err := replace(p.Program, program, 0o755)
	if err != nil {
		return false, fmt.Errorf("copy the program: %w", err)
	}
	if written {
		s.say("Copied this program to %s.", p.Program)
	}
	label(ctx, p.Program, filepath.Dir(p.Config))
	return changed || written, nil
}

// addUser makes the user of the actions.
func (s *Service) addUser(ctx context.Context, name string) error {
	var unknown user.UnknownUserError
	if _, err := user.Lookup(name); !errors.As(err, &unknown) {
		return err
	}
	if _, err := run(ctx, "useradd", "--system", "--shell", "/usr/sbin/nologin", "--home-dir", "/var/lib/"+name, "--create-home", name); err != nil {
		return fmt.Errorf("make the user of the actions: %w", err)
	}
	s.say("Made the user %s, whom actions run as.", name)
	return nil
}

// copyApp copies an App, app.yaml last: where it is, all is there. Nothing is read from outside of the folder, by no link either.
func (s *Service) copyApp(from, to string) error {
	stored, err := app.LoadStored(from)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, path := range []string{stored.PrivateKeyFile, stored.WebhookSecretFile, filepath.Join(from, "app.yaml")} {
		if path == "" {
			continue
		}
		name, err := filepath.Rel(from, path)
		if err != nil || !filepath.IsLocal(name) {
			return settings.Mistake("%s names %s, which is outside: name the App in the task file instead, with app_id and private_key_file", from, path)
		}
		data, err := root.ReadFile(name)
		if err != nil {
			return err
		}
		if err := writeOnce(filepath.Join(to, name), data); err != nil {
			return err
		}
	}
	s.say("Copied the App %q of %s from %s to %s, which is root's alone.", stored.Name, stored.Owner, from, to)
	return nil
}

// writeOnce makes a file for its owner only, unless it is there with the same content.
func writeOnce(path string, data []byte) error {
	err := app.WriteNew(path, data)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := os.ReadFile(path)
	if err == nil && !bytes.Equal(there, data) {
		err = fmt.Errorf("%s is there already, with another content: move it away", path)
	}
	return err
}

// replace puts a file in place of what is there, if it differs.
func replace(path string, data []byte, mode fs.FileMode) (changed bool, err error) {
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, data) {
		return false, nil
	}
	return true, files.Replace(path, data, mode)
}

// label gives files the labels that SELinux wants them to have, where it is.
func label(ctx context.Context, paths ...string) {
	if _, err := exec.LookPath("restorecon"); err == nil { // SELinux's
		_, _ = run(ctx, "restorecon", append([]string{"-R"}, paths...)...)
	}
}
