package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// unit returns the directives of a file for systemd, and the variables by their
// names. What is given twice fails.
func unit(t *testing.T, path string) map[string]string {
	t.Helper()
	directives := map[string]string{}
	for line := range strings.Lines(document(t, path)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "[") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if key == "Environment" { // the one that may be given twice
			key, value, _ = strings.Cut(value, "=")
		}
		if _, twice := directives[key]; !ok || twice {
			t.Fatalf("%q", line)
		}
		directives[key] = value
	}
	return directives
}

func TestUnitFitsTheProgram(t *testing.T) {
	d := unit(t, "docs/kitops.service")
	for key, want := range map[string]string{
		"Type": "notify", "NotifyAccess": "main", // READY=1 and WATCHDOG=1 come from kitops itself
		"KillMode":         "mixed",
		"Restart":          "on-failure",
		"ExecReload":       "+/bin/kill -HUP $MAINPID",
		"Delegate":         "yes",
		"OOMPolicy":        "continue",
		"StateDirectory":   "kitops",
		"CacheDirectory":   "kitops",
		"WantedBy":         "multi-user.target",
		"WorkingDirectory": "/var/lib/kitops",
		"NoNewPrivileges":  "yes",
		"PrivateTmp":       "yes",
		"ProtectSystem":    "full", // strict would leave deploys nothing to write to
		"EnvironmentFile":  "-/etc/kitops/kitops.env",
		// systemd sets the mode again at every reload, so actions must get through.
		"StateDirectoryMode": "0700", "CacheDirectoryMode": "0711",
		// Root without most of its power. Another user with ambient capabilities would hand them on to actions.
		"KITOPS_ACTION_USER":       "kitops-actions",
		"CapabilityBoundingSet":    "CAP_SETUID CAP_SETGID CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SYS_PTRACE CAP_LEASE",
		"RestartPreventExitStatus": strconv.Itoa(exitUsage),
	} {
		if d[key] != want {
			t.Errorf("%s=%s, want %s", key, d[key], want)
		}
	}
	// Grace, then SIGKILL with its patience, the rest of the output, and saving.
	if stop, err := strconv.Atoi(d["TimeoutStopSec"]); err != nil || float64(stop) < 2*farewell.Seconds() {
		t.Errorf("TimeoutStopSec=%s is too short for %s of grace", d["TimeoutStopSec"], actions.Grace)
	}
	// Four starts of a version that is not good, and one of the former (docs/upgrade.md): systemd gives up after five in ten seconds.
	if pause, err := strconv.Atoi(d["RestartSec"]); err != nil || 4*pause <= 10 {
		t.Errorf("RestartSec=%s is too short for a version that is rolled back", d["RestartSec"])
	}
	if watchdog, err := strconv.Atoi(d["WatchdogSec"]); err != nil || watchdog < 30 {
		t.Errorf("WatchdogSec=%s", d["WatchdogSec"])
	}
	for _, place := range []string{"--state-file /var/lib/" + d["StateDirectory"] + "/", "--repo-dir /var/cache/" + d["CacheDirectory"]} {
		if !strings.Contains(d["ExecStart"], place) {
			t.Errorf("ExecStart=%s lacks %s", d["ExecStart"], place)
		}
	}
	// LoadCredential would keep a key that has been replaced, User and
	// AmbientCapabilities hand root's power to actions; ProtectControlGroups
	// takes away what Delegate gives; the others break compilers, package
	// managers, or set-gid directories in actions.
	for _, key := range []string{
		"User", "AmbientCapabilities", "LoadCredential", "ProtectControlGroups",
		"MemoryDenyWriteExecute", "RestrictSUIDSGID", "UMask", "NoExecPaths", "StartLimitBurst", "StartLimitIntervalSec",
	} {
		if value, ok := d[key]; ok {
			t.Errorf("%s=%s", key, value)
		}
	}
	// What some builds do not get along with can be turned off by one file.
	builds := unit(t, "docs/kitops-builds.conf")
	for _, key := range []string{"RestrictNamespaces", "PrivateDevices", "SystemCallArchitectures", "SystemCallFilter", "RestrictAddressFamilies"} {
		if value, ok := builds[key]; !ok || value != "" && value != "no" || d[key] == "" {
			t.Errorf("%s=%s in the unit, %s=%s in the drop-in for builds", key, d[key], key, value)
		}
		delete(builds, key)
	}
	if len(builds) > 0 {
		t.Errorf("the drop-in for builds turns off more: %v", builds)
	}
}

// TestDocsInstallTheUnit holds the commands of the page to what the unit names.
func TestDocsInstallTheUnit(t *testing.T) {
	d := unit(t, "docs/kitops.service")
	_, section, _ := strings.Cut(document(t, "docs/deploy.md"), "\n## Daemon with systemd\n")
	section, _, _ = strings.Cut(section, "\n## ")
	program, _, _ := strings.Cut(d["ExecStart"], " ")
	tasks := words(d["ExecStart"], `--config-file (\S+)`)[0]
	for _, command := range []string{
		" " + d["KITOPS_ACTION_USER"] + "\n",
		"install -D -m 0755 bin/kitops " + program + "\n",
		"install -D -m 0600 tasks.yaml " + tasks + "\n",
		"install -D -m 0600 app.pem " + filepath.Dir(tasks) + "/app.pem ",
		"install -D -m 0644 docs/kitops.service /etc/systemd/system/kitops.service\n",
		"docs/kitops-builds.conf", "`" + d["HOME"] + "/.ssh`", strings.TrimPrefix(d["EnvironmentFile"], "-"),
	} {
		if !strings.Contains(section, command) {
			t.Errorf("the section on systemd lacks %q", command)
		}
	}
}

func TestImageFitsTheProgram(t *testing.T) {
	dockerfile := strings.ReplaceAll(document(t, "Dockerfile"), "\\\n", " ")
	last := map[string]string{}
	for line := range strings.Lines(dockerfile) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		last[key] = value // of the final stage
	}
	environ := strings.Fields(last["ENV"])
	s, warnings, err := loaded(t, environ, "--url", "https://github.com/acme/shop", "--action", "ls")
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	volumes := strings.Fields(last["VOLUME"])
	if !slices.Contains(volumes, filepath.Dir(s.Poller.StateFile)) || !slices.Contains(volumes, s.Poller.RepoDir) {
		t.Errorf("state %s and clones %s are not on the volumes %v", s.Poller.StateFile, s.Poller.RepoDir, volumes)
	}
	home := "HOME=" + last["WORKDIR"]
	// Root, so that the actions' user is another one, which cannot read the key.
	made := "useradd --uid 1000 --gid " + s.Actions.User + " --create-home --shell /bin/sh " + s.Actions.User + " "
	if user, ok := last["USER"]; ok || s.Actions.User == "" || !strings.Contains(dockerfile, made) {
		t.Errorf("kitops is %s, its actions are %q", user, s.Actions.User)
	}
	if last["ENTRYPOINT"] != `["kitops"]` || !slices.Contains(environ, home) || last["STOPSIGNAL"] != "SIGTERM" {
		t.Errorf("%v", last)
	}
	if strings.Contains(dockerfile, "go build") || !strings.Contains(dockerfile, "HEALTHCHECK ") || strings.Count(dockerfile, "COPY bin/linux-$TARGETARCH/kitops ") != 2 {
		t.Error("the image compiles, has no health check or does not copy the program")
	}
}

// TestImageGetsThePrograms holds .dockerignore to what the image copies.
func TestImageGetsThePrograms(t *testing.T) {
	let := words(document(t, ".dockerignore"), `(?m)^!(.*)$`)
	if want := []string{"bin/linux-amd64/kitops", "bin/linux-arm/kitops", "bin/linux-arm64/kitops", "bin/linux-riscv64/kitops"}; !slices.Equal(let, want) {
		t.Errorf(".dockerignore lets %q through", let)
	}
}

func TestDocsSayWhoMustBeTrusted(t *testing.T) {
	const trust = "Whoever may push to a watched branch can do all that the action's user can."
	_, readme, _ := strings.Cut(document(t, "README.md"), "\n## Security\n")
	for _, text := range []string{readme, document(t, "docs/security.md")} {
		if !strings.Contains(text, trust) {
			t.Errorf("%.60q does not say: %s", text, trust)
		}
	}
}

func TestWorkflowsDoWhatCIDoes(t *testing.T) {
	workflows := document(t, ".github/workflows/test.yml") + document(t, ".github/workflows/lint.yml")
	for _, step := range words(document(t, ".ci/run"), `(?m)^part (make [a-z-]+)$`) {
		if !strings.Contains(workflows, "- run: "+step+"\n") {
			t.Errorf("no workflow runs %s", step)
		}
	}
	if strings.Count(workflows, "permissions:\n  contents: read\n") != 2 || strings.Contains(workflows, "write") {
		t.Error("workflows need no more than to read the contents")
	}
}
