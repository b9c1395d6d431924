package actions

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// runIDKey marks every process of a run, wherever it moves.
const runIDKey = "KITOPS_RUN_ID"

// ceilingKey names the directories above which git does not look for a repository.
const ceilingKey = "GIT_CEILING_DIRECTORIES"

// checkEnvironment refuses a name that no variable can have, and one by which
// the run tells the action about itself: an action must be able to believe it.
func (a Action) checkEnvironment(vars []string) error {
	for _, key := range slices.Sorted(maps.Keys(a.Environment)) {
		told := func(entry string) bool {
			name, _, _ := strings.Cut(entry, "=")
			return strings.HasPrefix(name, "KITOPS_") && name == foldKey(key)
		}
		switch {
		case key == "" || strings.ContainsAny(key, "=\x00"):
			return fmt.Errorf("environment: %q cannot be the name of a variable", key)
		case slices.ContainsFunc(vars, told):
			return fmt.Errorf("environment: %s is set by kitops for each run, choose another name", key)
		}
	}
	return nil
}

// environ makes the environment of the action: what the agent passes on, then
// the user's identity, the action's own variables, and the run's.
func (a Action) environ(o Options) []string {
	other := o.User != nil && o.User.IsAnother()
	env := map[string]string{} // key as compared → KEY=VALUE
	set := func(entry string) {
		key, _, _ := strings.Cut(entry, "=")
		env[foldKey(key)] = entry
	}
	for _, entry := range o.Environ {
		key, value, ok := strings.Cut(entry, "=")
		key = foldKey(key)
		switch {
		case !ok || key == "" || !isBasic(key) && (!a.InheritEnvironment || isPrivate(key)):
		case other && (isSession(key) || key == "TMPDIR" && !o.User.mayWrite(value)):
		default:
			set(entry)
		}
	}
	if o.User != nil {
		set("HOME=" + o.User.Home)
		set("USER=" + o.User.Name)
	}
	if other {
		set("LOGNAME=" + o.User.Name)
		set("SHELL=" + o.User.Shell)
	}
	for _, key := range slices.Sorted(maps.Keys(a.Environment)) {
		set(key + "=" + a.Environment[key].Reveal())
	}
	for _, entry := range o.Vars {
		set(entry)
	}
	if _, ceilings, _ := strings.Cut(env[ceilingKey], "="); ceilings != "" {
		set(ceilingKey + "=" + filepath.Dir(o.Dir) + string(filepath.ListSeparator) + ceilings)
	} else {
		set(ceilingKey + "=" + filepath.Dir(o.Dir))
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
// secrets in it, what systemd gives to one process and no other, and which
// repository a git hook that started the agent was about.
func isPrivate(key string) bool {
	switch key {
	case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE":
		return true
	}
	return key == "NOTIFY_SOCKET" || key == "CREDENTIALS_DIRECTORY" ||
		strings.HasPrefix(key, "KITOPS_") || strings.HasPrefix(key, "WATCHDOG_") || strings.HasPrefix(key, "LISTEN_")
}

// isSession tells which variables are about the login of one user, so that
// another one has no use for them, or is misled.
func isSession(key string) bool {
	switch key {
	case "LOGNAME", "MAIL", "SHELL", "USERNAME", "HISTFILE", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "ICEAUTHORITY",
		"SESSION_MANAGER", "KRB5CCNAME", "GNUPGHOME", "GPG_AGENT_INFO", "GPG_TTY", "DOAS_USER", "PKEXEC_UID", "OLDPWD":
		return true
	}
	return slices.ContainsFunc([]string{"XDG_", "DBUS_", "SUDO_", "SSH_"}, func(prefix string) bool {
		return strings.HasPrefix(key, prefix)
	})
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
