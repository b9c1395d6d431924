package service

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// Installed are the task file and the state file of the service that runs a
// program, by its unit; both "" where there is none.
func Installed(program string, environ []string) (config, state string) {
	_, _, p := unitOf(program, environ)
	return p.Config, p.State
}

// unitOf is the unit that runs a program, with what is in it; "" where there is none.
func unitOf(program string, environ []string) (unit, text string, p places) {
	for _, path := range unitPaths(environ) {
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
			return path, string(text), p
		}
	}
	return "", "", places{}
}

// unitPaths are where units are, the one that counts first.
func unitPaths(environ []string) []string {
	units := []string{"/etc/systemd/system/" + name, "/usr/lib/systemd/system/" + name, "/lib/systemd/system/" + name}
	if home := env.ToMap(environ)["HOME"]; runtime.GOOS == darwinOS {
		units = []string{filepath.Join(home, "Library/LaunchAgents", launchdLabel+".plist"), "/Library/LaunchDaemons/" + launchdLabel + ".plist"}
	} else if dir := settings.ConfigDir(environ); dir != "" {
		units = append([]string{filepath.Join(filepath.Dir(dir), "systemd/user", name)}, units...)
	}
	return units
}

// usualStop is how long systemd waits where no unit says it.
const usualStop = 90 * time.Second

// Stop tells how long systemd waits for the end of the service that runs a program, by its unit and what "systemctl edit" has
// laid over that, and whether it can be asked for more. A limit of 0 is none, or none that is known.
func Stop(program string, environ []string) (unit string, limit time.Duration, asked bool) {
	unit, text, _ := unitOf(program, environ)
	if unit == "" || strings.HasSuffix(unit, ".plist") {
		return unit, 0, false
	}
	kind, wait := directive(text, "Type"), directive(text, "TimeoutStopSec")
	over, _ := filepath.Glob(unit + ".d/*.conf")
	if system := "/etc/systemd/system/" + name; strings.HasSuffix(unit, "/lib/systemd/system/"+name) {
		above, _ := filepath.Glob(system + ".d/*.conf")
		over = append(over, above...)
	}
	for _, path := range over {
		if text, err := os.ReadFile(path); err == nil {
			kind, wait = cmp.Or(directive(string(text), "Type"), kind), cmp.Or(directive(string(text), "TimeoutStopSec"), wait)
		}
	}
	return unit, spanOf(wait), strings.HasPrefix(strings.TrimSpace(kind), "notify")
}

// spanOf reads the commoner ones of the forms of systemd.time(7): 90, 90s, 5min, 1h 30min. 0: it is another, or endless.
func spanOf(text string) time.Duration {
	text = strings.Join(strings.Fields(text), "")
	if text == "" {
		return usualStop
	}
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second
	}
	span, _ := time.ParseDuration(strings.NewReplacer("min", "m", "sec", "s").Replace(text))
	return span
}
