package service

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// Installed are the task file and the state file of the service that runs a
// program, by its unit; both "" where there is none.
func Installed(program string, environ []string) (config, state string) {
	units := []string{"/etc/systemd/system/" + name, "/usr/lib/systemd/system/" + name, "/lib/systemd/system/" + name}
	if home := env.ToMap(environ)["HOME"]; runtime.GOOS == darwinOS {
		units = []string{filepath.Join(home, "Library/LaunchAgents", launchdLabel+".plist"), "/Library/LaunchDaemons/" + launchdLabel + ".plist"}
	} else if dir := settings.ConfigDir(environ); dir != "" {
		units = append([]string{filepath.Join(filepath.Dir(dir), "systemd/user", name)}, units...)
	}
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var p places
		p.fill(strings.Fields(directive(string(text), "ExecStart")))
		if strings.HasSuffix(path, ".plist") {
			p.fill(commandOf(text))
		}
		if real, err := filepath.EvalSymlinks(p.Program); err == nil && real == program {
			return p.Config, p.State
		}
	}
	return "", ""
}
