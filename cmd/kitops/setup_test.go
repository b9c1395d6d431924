//go:build unix

package main

import (
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// walk registers and installs the App as a browser does, without a browser.
func (n *newcomer) walk(address string) {
	n.t.Helper()
	n.install(n.register(address))
}

// register returns the page that waits for the installation.
func (n *newcomer) register(address string) (waiting string) {
	n.t.Helper()
	action, fields := n.form(n.page(http.Get(address)))
	action, fields = n.form(n.page(http.PostForm(action, fields)))
	return n.page(http.PostForm(n.URL+action, fields)) // follows GitHub back to kitops
}

func (n *newcomer) install(waiting string) {
	n.t.Helper()
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
	again.ends(0)
	again.says(`(?m)^The App (kitops-acme of acme is registered already, and stored in .+): setup goes on with it\.$`)
	again.says(`(tasks\.yaml is there already and stays as it is)`)
	other := n.start("other", "kitops", "setup", "--org", "lab")
	other.ends(exitFailure)
	other.says(`(?m)^kitops: (the App "kitops-acme" of acme is set up already.+--dir)$`)
}

// TestSetupIsKilledBeforeTheInstallation goes on from there.
func TestSetupIsKilledBeforeTheInstallation(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	setup := n.start("setup", "kitops", "setup", "--org", "acme")
	n.register(setup.says(`(?m)^  (http://127\.0\.0\.1:\d+/\S+/)$`))
	setup.says(`(?m)^The App (kitops-acme) of acme is registered and stored in `)
	_ = setup.cmd.Process.Kill()
	<-setup.done
	setup = n.start("again", "kitops", "setup", "--org", "acme")
	address := setup.says(`(?m)^Install it on this page:\n\n  (http://127\.0\.0\.1:\d+/\S+/)$`)
	n.install(n.page(http.Get(address)))
	n.seesTheEnd(address)
	setup.ends(0)
	setup.says(`(?m)^  (sudo /.+/kitops service) install$`)
	n.goesGreen(setup.says(`(?m)^Run kitops:\n\n  (.+)$`))
}

func TestSetupElsewhereNamesTheApp(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	dir := filepath.Join(n.dir, "else where")
	setup := n.start("setup", "kitops", "setup", "--org", "acme", "--dir", "else where")
	address := setup.says(`(?m)^  (http://127\.0\.0\.1:\d+/\S+/)$`)
	n.walk(address)
	n.seesTheEnd(address)
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
