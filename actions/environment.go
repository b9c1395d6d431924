package actions

import (
	"maps"
	"runtime"
	"slices"
	"strings"
)

// runIDKey marks every process of a run, wherever it moves.
const runIDKey = "KITOPS_RUN_ID"

// environ makes the environment of the action: what the agent passes on, then
// the user's identity, the action's own variables, and the run's.
func (a Action) environ(o Options) []string {
	env := map[string]string{} // key as compared → KEY=VALUE
	set := func(entry string) {
		key, _, _ := strings.Cut(entry, "=")
		env[foldKey(key)] = entry
	}
	for _, entry := range o.Environ {
		key, _, ok := strings.Cut(entry, "=")
		key = foldKey(key)
		if ok && key != "" && (a.InheritEnvironment && !isPrivate(key) || isBasic(key)) {
			set(entry)
		}
	}
	if o.User != nil {
		set("HOME=" + o.User.Home)
		set("USER=" + o.User.Name)
	}
	for _, key := range slices.Sorted(maps.Keys(a.Environment)) {
		set(key + "=" + a.Environment[key])
	}
	for _, entry := range o.Vars {
		set(entry)
	}
	list := make([]string, 0, len(env)) // never nil: os/exec would take the agent's own
	return slices.AppendSeq(list, maps.Values(env))
}

// foldKey maps the names of one variable to one: Windows ignores case.
func foldKey(key string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(key)
	}
	return key
}

// isBasic tells which of the agent's variables every action gets.
func isBasic(key string) bool {
	switch key {
	case "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR":
		return true
	// Without these, Windows programs do not start or find their files.
	case "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERNAME", "USERPROFILE",
		"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROCESSOR_ARCHITECTURE", "NUMBER_OF_PROCESSORS":
		return runtime.GOOS == "windows"
	}
	return false
}

// isPrivate tells what belongs to the agent alone: its configuration with the
// secrets in it, and what systemd gives to one process and no other.
func isPrivate(key string) bool {
	return key == "NOTIFY_SOCKET" || key == "CREDENTIALS_DIRECTORY" ||
		strings.HasPrefix(key, "KITOPS_") || strings.HasPrefix(key, "WATCHDOG_") || strings.HasPrefix(key, "LISTEN_")
}

// lookup returns the value of a variable; the last entry counts.
func lookup(env []string, key string) string {
	for _, entry := range slices.Backward(env) {
		k, value, _ := strings.Cut(entry, "=")
		if foldKey(k) == key {
			return value
		}
	}
	return ""
}

func runID(vars []string) string { return lookup(vars, runIDKey) }
