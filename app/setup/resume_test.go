package setup_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/setup"
)

// registers goes as far as the App is stored.
func (s *scene) registers() {
	s.t.Helper()
	if r := s.get(s.answer()); r.status != http.StatusSeeOther {
		s.t.Fatalf("%+v", r)
	}
}

// seesTheEnd has the page open, as a browser has it.
func (s *scene) seesTheEnd() {
	s.t.Helper()
	for waits := true; waits; {
		resp, err := s.browser.Get(s.address)
		if err != nil {
			return // nobody serves it any more
		}
		waits = resp.Header.Get("Refresh") != ""
		_ = resp.Body.Close()
	}
}

// TestSetupGoesOnWithAnAppThatIsNotInstalled, as often as it is stopped.
func TestSetupGoesOnWithAnAppThatIsNotInstalled(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.registers()
	for range 2 {
		s.cancel()
		s.seesTheEnd()
		if err := s.result(); err == nil || !strings.Contains(err.Error(), "kitops setup goes on from there when you run it again") {
			t.Fatal(err)
		}
		s.start(func(p *setup.Setup) { p.Org = "" })
		page := s.get(s.address).body
		if !s.hears("resumed kitops-acme") || !strings.Contains(page, "/apps/kitops-acme/installations/new") || strings.Contains(page, "manifest") {
			t.Fatalf("%q\n%s", s.told, page)
		}
	}
	if again := s.get(s.address + "registered?code=x&state="); again.status != http.StatusConflict {
		t.Errorf("another App could be slipped in: %d", again.status)
	}
	s.install()
	s.seesTheEnd()
	if err := s.result(); err != nil || !s.hears("installed on acme") {
		t.Errorf("%v %q", err, s.told)
	}
	s.checkStored(false)

	s.start(func(p *setup.Setup) {
		p.Opened = func(string, string) { t.Error("a page for an App that is installed") }
	})
	if err := s.result(); err != nil {
		t.Error(err)
	}
}

// TestSetupGoesOnWhereStoringWasCutOff: the App's key is in a file from the first write on.
func TestSetupGoesOnWhereStoringWasCutOff(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.registers()
	s.cancel()
	_ = s.result() // no page is open
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	names := []string{"app.pem", "webhook.secret", "app.yaml"}
	contents := map[string]string{}
	for _, name := range names {
		contents[name] = read(name)
	}
	_, description, _ := strings.Cut(contents["app.yaml"], "\n")
	all := "app:\n  " + strings.ReplaceAll(strings.TrimSpace(description), "\n", "\n  ") + "\nkey: |\n  " +
		strings.ReplaceAll(strings.TrimSpace(contents["app.pem"]), "\n", "\n  ") + "\nsecret: |\n  " + contents["webhook.secret"]
	for n := range len(names) + 1 {
		for i, name := range names {
			if i >= n {
				_ = os.Remove(filepath.Join(s.dir, name))
			}
		}
		if err := os.WriteFile(filepath.Join(s.dir, ".registered.yaml"), []byte(all), 0o600); err != nil {
			t.Fatal(err)
		}
		stored, err := app.Resume(s.dir)
		if err != nil || stored.Name != "kitops-acme" {
			t.Fatalf("after %d files: %v", n, err)
		}
		for _, name := range names {
			if read(name) != contents[name] {
				t.Errorf("after %d files: another %s", n, name)
			}
		}
		if _, err := os.Lstat(filepath.Join(s.dir, ".registered.yaml")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after %d files: the key is left in another file: %v", n, err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, ".registered.yaml"), []byte(strings.Replace(all, "key: |", "other: |", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Resume(s.dir); err == nil || !strings.Contains(err.Error(), "app_id or key is missing") {
		t.Error(err)
	}
}

// TestSetupForAnotherOwner does not go on with the App of the first.
func TestSetupForAnotherOwner(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.registers()
	s.cancel()
	_ = s.result() // no page is open
	s.start(func(p *setup.Setup) { p.Org = "lab" })
	if err := s.result(); err == nil || !strings.Contains(err.Error(), `the App "kitops-acme" of acme is set up already`) {
		t.Error(err)
	}
}

// TestSetupWhereTheAppCannotBeRead makes no other App: that one could not be stored, and its key would be lost.
func TestSetupWhereTheAppCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".registered.yaml"), 0o700); err != nil { // or a file of root's
		t.Fatal(err)
	}
	_, err := app.Resume(dir)
	if _, stops := errors.AsType[*app.SetupError](err); !stops {
		t.Error(err)
	}
}
