//go:build unix

package main

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/app"
)

// walk registers and installs the App as a browser does, without a browser.
func (n *newcomer) walk(address string) {
	n.t.Helper()
	action, fields := n.form(n.page(http.Get(address)))
	action, fields = n.form(n.page(http.PostForm(action, fields)))
	waiting := n.page(http.PostForm(n.URL+action, fields)) // follows GitHub back to kitops
	m := regexp.MustCompile(`href="([^"]+/installations)/new"`).FindStringSubmatch(waiting)
	if m == nil {
		n.t.Fatalf("no way to the installation:\n%s", waiting)
	}
	n.page(http.PostForm(m[1], url.Values{"account": {"acme"}}))
}

func (n *newcomer) page(resp *http.Response, err error) string {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body strings.Builder
	if err := resp.Write(&body); err != nil || resp.StatusCode != http.StatusOK {
		n.t.Fatalf("%v\n%s", err, body.String())
	}
	return body.String()
}

func (n *newcomer) form(page string) (action string, fields url.Values) {
	n.t.Helper()
	fields = url.Values{}
	for _, m := range regexp.MustCompile(`<input [^>]*name="?(\w+)"? value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	m := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		n.t.Fatalf("no form:\n%s", page)
	}
	return html.UnescapeString(m[1]), fields
}

func TestNewcomerSetsUpAndRuns(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	command := n.setUp(n.walk)
	tasks := filepath.Join(n.dir, ".config/kitops/tasks.yaml")
	if !strings.Contains(command, tasks) || strings.Contains(command, "app-id") {
		t.Errorf("%s: a run finds the App by itself", command)
	}
	check := n.start("check", "kitops", "check", "--config-file", tasks)
	check.ends(0)
	if story := check.story(); !strings.Contains(story, ".config/kitops/app.pem") {
		t.Errorf("check does not show the stored App:\n%s", story)
	}
	n.goesGreen(command)
	again := n.start("again", "kitops", "setup")
	again.ends(exitFailure)
	again.says(`(?m)^kitops: (the App "kitops-acme" is set up already.+--dir)$`)
}

func TestSetupElsewhereNamesTheApp(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	dir := filepath.Join(n.dir, "else where")
	setup := n.start("setup", "kitops", "setup", "--org", "acme", "--dir", "else where")
	n.walk(setup.says(`(?m)^  (http://127\.0\.0\.1:\d+/\S+/)$`))
	setup.ends(0)
	command := setup.says(`(?m)^Run kitops:\n\n  (.+)$`)
	for _, want := range []string{"'" + dir + "/tasks.yaml'", "'" + dir + "/app.pem'", "--github-app-id"} {
		if !strings.Contains(command, want) {
			t.Errorf("%s: no %s", command, want)
		}
	}
	n.goesGreen(command)
}

func TestSetupIsInterrupted(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	setup := n.start("setup", "kitops", "setup", "--org", "acme")
	setup.says(`(?m)^  (http://127\.0\.0\.1:\d+/\S+/)$`)
	setup.says(`(ssh -L \d+:127\.0\.0\.1:\d+ \S+)`) // there is no display
	_ = setup.cmd.Process.Signal(syscall.SIGINT)
	setup.ends(exitFailure)
	setup.says(`(?m)^kitops: (stopped before an App was registered: .+)$`)
}

// storedApp puts an App into the configuration directory, which it returns.
func storedApp(t *testing.T, apiURL string) string {
	t.Helper()
	config := t.TempDir()
	dir := configDir([]string{"XDG_CONFIG_HOME=" + config})
	if err := app.Storable(dir); err != nil {
		t.Fatal(err)
	}
	r := app.Registration{ID: 77, Name: "kitops-acme", HTMLURL: "https://github.com/apps/kitops-acme", PEM: appKey(), APIURL: apiURL}
	if _, err := r.Store(dir); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestStoredAppIsTheLastDefault(t *testing.T) {
	config := storedApp(t, "https://api.github.com")
	enterprise := storedApp(t, "https://git.example.com/api/v3")
	key := filepath.Join(t.TempDir(), "key.pem")
	write(t, key, appKey())
	for name, c := range map[string]struct {
		environ []string
		want    string
	}{
		"stored":           {[]string{"XDG_CONFIG_HOME=" + config}, "77"},
		"of HOME":          {[]string{"HOME=" + config}, ""},
		"nothing":          {nil, ""},
		"relative":         {[]string{"XDG_CONFIG_HOME=.."}, ""},
		"switched off":     {[]string{"XDG_CONFIG_HOME=" + config, "KITOPS_GITHUB_APP_ID=off"}, ""},
		"variable":         {[]string{"XDG_CONFIG_HOME=" + config, "KITOPS_GITHUB_APP_ID=5", "KITOPS_GITHUB_PRIVATE_KEY_FILE=" + key}, "5"},
		"another host":     {[]string{"XDG_CONFIG_HOME=" + enterprise}, ""},
		"Enterprise":       {[]string{"XDG_CONFIG_HOME=" + enterprise, "KITOPS_GITHUB_API_URL=https://GIT.example.com/api/v3/"}, "77"},
		"other Enterprise": {[]string{"XDG_CONFIG_HOME=" + config, "KITOPS_GITHUB_API_URL=https://git.example.com/api/v3"}, ""},
	} {
		all := newOptions()
		set(t, all, "URL", "https://github.com/acme/shop")
		set(t, all, "ACTION", "true")
		s, warnings, err := all.load(c.environ)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v %v", name, err, warnings)
			continue
		}
		got := ""
		if g := s.Tasks[0].GitHub; g != nil {
			got = g.AppID
		}
		if got != c.want {
			t.Errorf("%s: App %q, want %q", name, got, c.want)
		}
	}
}

func TestStoredAppThatIsBrokenIsAMistake(t *testing.T) {
	load := func(config string) ([]string, error) {
		all := newOptions()
		set(t, all, "URL", "https://github.com/acme/shop")
		set(t, all, "ACTION", "true")
		_, warnings, err := all.load([]string{"XDG_CONFIG_HOME=" + config})
		return warnings, err
	}
	config := storedApp(t, "https://api.github.com")
	if err := os.Remove(filepath.Join(config, "kitops/app.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := load(config); err == nil || !strings.Contains(err.Error(), "app.pem") || !strings.Contains(err.Error(), "--github-app-id off") {
		t.Error(err)
	}
	write(t, filepath.Join(config, "kitops/app.yaml"), "{")
	if _, err := load(config); err == nil || !strings.Contains(err.Error(), "app.yaml") {
		t.Error(err)
	}
	if os.Geteuid() == 0 {
		return // who may read everything
	}
	if err := os.Chmod(filepath.Join(config, "kitops"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(config, "kitops"), 0o700) })
	if warnings, err := load(config); err != nil || len(warnings) != 1 {
		t.Errorf("another's App is no mistake: %v %v", warnings, err)
	}
}

func TestTaskWithAnotherAppNeedsItsOwnKey(t *testing.T) {
	config := storedApp(t, "https://api.github.com")
	for keys, want := range map[string]string{
		"github: {status_context: ci}": "",
		"github: {app_id: 77}":         "",
		"github: {app_id: 78}":         "no private_key_file: the known key is that of App 77",
	} {
		all := newOptions()
		set(t, all, "CONFIG_FILE", taskFileAt(t, file("", keys, "")))
		if _, _, err := all.load([]string{"XDG_CONFIG_HOME=" + config}); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", keys, err)
		}
	}
}

// Service users have such homes.
func TestHomeThatIsNoDirectory(t *testing.T) {
	for _, home := range []string{"/dev/null", "/nonexistent"} {
		all := newOptions()
		set(t, all, "CONFIG_FILE", taskFileAt(t, file("", "", "")))
		if _, _, err := all.load([]string{"HOME=" + home}); err != nil {
			t.Errorf("%s: %v", home, err)
		}
	}
}

func TestTasksForRepositories(t *testing.T) {
	text := tasksFor("https://github.com", []app.Found{{Owner: "acme", Name: "shop"}, {Owner: "lab", Name: "shop"}, {Owner: "lab", Name: "true"}})
	all := newOptions()
	set(t, all, "CONFIG_FILE", filepath.Join(t.TempDir(), "tasks.yaml"))
	write(t, all.byKey("CONFIG_FILE").given[0], text)
	s, _, err := all.load([]string{"XDG_CONFIG_HOME=" + storedApp(t, "https://api.github.com")})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(s.Tasks) != 1 || !slices.Equal(s.Tasks[0].Repos.Include, []string{"acme/*", "lab/*"}) {
		t.Errorf("%+v\n%s", s.Tasks, text)
	}
}

func TestTaskFileStaysAsItIs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tasks.yaml")
	var out strings.Builder
	p := program{stdout: &out}
	stored := app.Stored{AppID: 77, APIURL: "https://api.github.com"}
	shop := []app.Found{{Owner: "acme", Name: "shop"}}
	for range 2 {
		i, err := p.installed(dir, stored, []app.Reach{{Account: "acme", Repositories: shop}})
		if err != nil || i.Path != path || !strings.Contains(i.Command, path) {
			t.Errorf("%+v %v", i, err)
		}
		write(t, path, "precious")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" || !strings.Contains(out.String(), "stays as it is") {
		t.Errorf("%q %v\n%s", text, err, out.String())
	}
	if i, err := p.installed(dir, stored, []app.Reach{{Account: "acme"}}); err != nil || i.Command != "" {
		t.Errorf("without repositories there is nothing to run: %+v %v", i, err)
	}
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{"/a/b-c.d": "/a/b-c.d", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$x": "'$x'"} {
		if got := shellWord(word); got != want {
			t.Errorf("%s: %s", word, got)
		}
	}
}

func TestBrowserIsOpenedWhereSomebodySeesIt(t *testing.T) {
	for _, c := range []struct {
		goos      string
		variables map[string]string
		want      string
	}{
		{"linux", nil, ""},
		{"linux", map[string]string{"DISPLAY": ":0"}, "xdg-open"},
		{"freebsd", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open"},
		{"linux", map[string]string{"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "a 1 b 22"}, ""},
		{"darwin", nil, "open"},
		{"darwin", map[string]string{"SSH_CONNECTION": "a 1 b 22"}, ""},
		{"windows", nil, "rundll32"},
	} {
		got := ""
		if command := browserCommand(c.goos, c.variables, "http://127.0.0.1:1/x/"); command != nil {
			got = command[0]
		}
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestTunnel(t *testing.T) {
	for want, variables := range map[string]map[string]string{
		"ssh -L 41:127.0.0.1:41 box":                   {},
		"ssh -L 41:127.0.0.1:41 root@192.0.2.7":        {"USER": "root", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.7 22"},
		"ssh -p 2222 -L 41:127.0.0.1:41 me@2001:db8::": {"USER": "me", "SSH_CONNECTION": "2001:db8::1 50000 2001:db8:: 2222"},
	} {
		if got := tunnelCommand(variables, "box", "http://127.0.0.1:41/secret/"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
