//go:build unix

package service

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

// standIn is launchctl as far as kitops calls it: it knows one job, by the file "job", and notes its calls.
const standIn = `#!/bin/sh
echo "$@" >>"$PLACE/calls"
case "$1 $2" in
"print "*/*/com.*|"print system/com."*) cat "$PLACE/job" || exit 113 ;; # could not be found
"print gui/"*) test ! -e "$PLACE/no-session" ;;
"bootstrap "*) printf 'state = running\n\tpid = 42\n' >"$PLACE/job"
	if test -e "$PLACE/broken"; then echo 'no such thing: tasks' >>"$PLACE/log"; printf 'state = spawn scheduled\nlast exit code = 2\n' >"$PLACE/job"; fi ;;
"bootout "*) rm "$PLACE/job" ;;
esac
`

// mac is a Service on a Mac whose files are below a folder.
type mac struct {
	*Service
	t    *testing.T
	dir  string
	said *bytes.Buffer
}

func newMac(t *testing.T, user bool) *mac {
	t.Helper()
	dir := t.TempDir()
	m := &mac{t: t, dir: dir, said: &bytes.Buffer{}}
	t.Setenv("PLACE", dir)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	m.write("launchctl", standIn)
	m.write("program", "kitops")
	m.write("tasks.yaml", "tasks: [{name: shop, git: {url: /srv/shop}, actions: [{run: make}]}]\n")
	m.Service = &Service{User: user, Program: m.path("program"), ConfigFile: m.path("tasks.yaml"), Out: m.said, goos: darwinOS, Environ: []string{"HOME=" + dir, "PATH=/opt/homebrew/bin:/usr/bin"}}
	return m
}

func (m *mac) path(name string) string { return filepath.Join(m.dir, name) }

func (m *mac) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mac) read(name string) string {
	m.t.Helper()
	data, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}

// calls are those of launchctl since the last time, without the questions.
func (m *mac) calls() string {
	m.t.Helper()
	var all []string
	for line := range strings.Lines(m.read("calls")) {
		if !strings.HasPrefix(line, "print") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	m.write("calls", "")
	return strings.Join(all, "; ")
}

// answering has an agent's socket beside a state file.
func (m *mac) answering(state string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(state), 0o755); err != nil {
		m.t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(m.t.Context(), "unix", state+".sock")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = listener.Close() })
}

func TestAgentOfAMac(t *testing.T) {
	m := newMac(t, true)
	m.answering(m.path(".local/state/kitops/state.yaml"))
	domain := "gui/" + strconv.Itoa(os.Getuid())
	plist := m.path("Library/LaunchAgents/" + launchdLabel + ".plist")
	start := "enable " + domain + "/" + launchdLabel + "; bootstrap " + domain + " " + plist
	for _, step := range []struct {
		about, calls, said string
		prepare            func()
	}{
		{"first", start, "kitops is ready", func() {}},
		{"again", "", "kitops runs already", func() {}},
		{"another program", "bootout " + domain + "/" + launchdLabel + "; " + start, "kitops is ready", func() { m.Program = m.path("launchctl") }},
	} {
		step.prepare()
		m.said.Reset()
		if err := m.Install(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.about, err)
		}
		if got := m.calls(); got != step.calls || !strings.Contains(m.said.String(), step.said) {
			t.Errorf("%s: %s\n%s", step.about, got, m.said)
		}
	}
	for _, words := range []string{m.path("launchctl") + " service uninstall --user", "tail -f " + m.path("Library/Logs/kitops.log"), "launchctl kill HUP " + domain} {
		if !strings.Contains(m.said.String(), words) {
			t.Errorf("%q is not said:\n%s", words, m.said)
		}
	}
	m.said.Reset()
	if err := m.Status(t.Context()); err != nil || !strings.Contains(m.said.String(), "kitops is running, process 42\n") || !strings.Contains(m.said.String(), "task file  "+m.path("tasks.yaml")) {
		t.Errorf("%v\n%s", err, m.said)
	}
	if err := m.Uninstall(t.Context()); err != nil || m.calls() != "bootout "+domain+"/"+launchdLabel || !strings.Contains(m.said.String(), "stays: "+m.path("tasks.yaml")) {
		t.Errorf("%v\n%s", err, m.said)
	}
	if err := m.Status(t.Context()); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), "there is no "+plist) {
		t.Error(err)
	}
}

func TestAgentOfAMacThatDoesNotStart(t *testing.T) {
	m := newMac(t, true)
	m.write("broken", "")
	m.write("no-session", "")
	m.write("log", "of another day\n")
	if err := os.MkdirAll(m.path("Library/Logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(m.path("log"), m.path("Library/Logs/kitops.log")); err != nil {
		t.Fatal(err)
	}
	err := m.Install(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "does not start (exit code 2); its last log lines:\n  no such thing: tasks") {
		t.Error(err)
	}
	if calls := m.calls(); !strings.Contains(calls, "bootstrap user/"+strconv.Itoa(os.Getuid())) {
		t.Errorf("without a session: %s", calls)
	}
	if err := m.Status(t.Context()); !errors.Is(err, ErrNotRunning) || !strings.Contains(m.said.String(), "its last exit code: 2") {
		t.Errorf("%v\n%s", err, m.said)
	}
	m.said.Reset()
	m.NoStart = true
	if err := m.Install(t.Context()); err != nil || !strings.Contains(m.said.String(), "To start it now: launchctl bootstrap user/") {
		t.Errorf("%v\n%s", err, m.said)
	}
}

// TestDaemonOfAMac has its own copies, and actions of the one who called sudo.
func TestDaemonOfAMac(t *testing.T) {
	m := newMac(t, false)
	m.root = m.path("root")
	if err := os.MkdirAll(m.path("root/var/log"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := m.Install(t.Context()); err == nil || !strings.Contains(err.Error(), "call it by sudo") {
		t.Error(err)
	}
	m.Environ = append(m.Environ, "SUDO_USER=mona")
	m.answering(m.path("root/private/var/db/kitops/state.yaml"))
	if err := os.Chmod(m.path("root/private/var/db/kitops"), 0o700); err != nil { // as install makes it
		t.Fatal(err)
	}
	if err := m.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := m.places()
	if err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(p.RepoDir); dir != m.root; dir = filepath.Dir(dir) { // the agent lets them through its own
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o011 != 0o011 {
			t.Errorf("actions do not get through %s to their workdirs: %v, %v", dir, info.Mode(), err)
		}
	}
	if info, err := os.Stat(p.Log); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(m.said.String(), "sudo tail -f "+p.Log) {
		t.Errorf("others can read what actions print: %v, %v\n%s", info, err, m.said)
	}
	plist := m.path("root/Library/LaunchDaemons/" + launchdLabel + ".plist")
	if calls := m.calls(); calls != "enable system/"+launchdLabel+"; bootstrap system "+plist {
		t.Error(calls)
	}
	if m.read("root/usr/local/libexec/kitops") != "kitops" || m.read("root/etc/kitops/tasks.yaml") != m.read("tasks.yaml") {
		t.Error("the copies differ")
	}
	text := m.read("root/Library/LaunchDaemons/" + launchdLabel + ".plist")
	for _, words := range []string{"<key>KITOPS_ACTION_USER</key>\n\t\t<string>mona</string>", "<key>PATH</key>\n\t\t<string>/opt/homebrew/bin:/usr/bin</string>", "<key>HOME</key>\n\t\t<string>/var/root</string>"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
}

// TestAppOnAnotherGitHubOfAMac is known to the service after each install: its plist is the only place that says where it is.
func TestAppOnAnotherGitHubOfAMac(t *testing.T) {
	for _, user := range []bool{true, false} {
		m := newMac(t, user)
		state, plist := ".local/state/kitops/state.yaml", "Library/LaunchAgents/"
		if !user {
			m.root = m.path("root")
			m.write("root/var/log/kitops.log", "")
			m.Environ = append(m.Environ, "SUDO_USER=mona")
			state, plist = "root/private/var/db/kitops/state.yaml", "root/Library/LaunchDaemons/"
		}
		m.answering(m.path(state))
		config := strings.TrimPrefix(settings.ConfigDir(m.Environ), m.dir+"/") + "/"
		m.write(config+"app.pem", settingstest.AppKey(t))
		m.write(config+"app.yaml", "app_id: 7\napi_url: https://git.example.com/api/v3\nprivate_key_file: app.pem\n")
		for _, again := range []bool{false, true} {
			if err := m.Install(t.Context()); err != nil {
				t.Fatal(err)
			}
			if text := m.read(plist + launchdLabel + ".plist"); !strings.Contains(text, "<key>KITOPS_GITHUB_API_URL</key>\n\t\t<string>https://git.example.com/api/v3</string>") {
				t.Errorf("of a user %t, again %t:\n%s", user, again, text)
			}
		}
	}
}

// TestAppIsTriedWhereItIs before it is copied, wherever the system has a user's settings.
func TestAppIsTriedWhereItIs(t *testing.T) {
	t.Parallel()
	folder := settings.ConfigDir([]string{"HOME=" + t.TempDir(), "APPDATA=" + t.TempDir()})
	if found := settings.ConfigDir(configuredIn(folder)); found != folder {
		t.Errorf("it is looked for in %s, and is in %s", found, folder)
	}
}

func TestPlist(t *testing.T) {
	t.Parallel()
	s := &Service{User: true, goos: darwinOS, Environ: []string{"HOME=/Users/mona & co", "PATH=/bin"}}
	want := places{Program: "/Applications/a <b>/kitops", Config: "/x/\"tasks\".yaml", State: "/s", RepoDir: "/r"}
	text, err := s.plist(want)
	if err != nil {
		t.Fatal(err)
	}
	var got places
	got.fill(commandOf([]byte(text)))
	if got != want {
		t.Errorf("%+v\n%s", got, text)
	}
	keys := 0
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "key" {
			keys++
		}
	}
	if keys != 12 || !strings.Contains(text, "<string>/Users/mona &amp; co</string>") {
		t.Errorf("%d keys in\n%s", keys, text)
	}
}
