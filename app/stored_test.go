package app_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/secret"
)

func registration() app.Registration {
	return app.Registration{
		ID: 4242, ClientID: "Iv23liABCDEF", Name: "kitops: acme", HTMLURL: "https://github.com/apps/kitops-acme",
		PEM: secret.New("-----BEGIN RSA PRIVATE KEY-----\n"), WebhookSecret: secret.New("s3cret"), ClientSecret: secret.New("logins"), APIURL: "https://api.github.com",
	}
}

func TestStoredAppIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "kitops")
	if _, err := app.LoadStored(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("nothing is there, got %v", err)
	}
	if err := app.Storable(dir); err != nil {
		t.Fatal(err)
	}
	stored, err := registration().Store(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if stored.PrivateKeyFile != filepath.Join(dir, "app.pem") || stored.InstallURL() != "https://github.com/apps/kitops-acme/installations/new" {
		t.Errorf("%+v", stored)
	}
	if found, err := app.LoadStored(dir); err != nil || !reflect.DeepEqual(found, stored) {
		t.Errorf("found %+v (%v), want %+v", found, err, stored)
	}
	wantError[*app.SetupError](t, app.Storable(dir), "set up already", stored.InstallURL(), "--dir")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("want four files: %v %v", entries, err)
	}
	if runtime.GOOS != "windows" {
		for _, path := range []string{dir, stored.PrivateKeyFile, stored.WebhookSecretFile, stored.ClientSecretFile, filepath.Join(dir, "app.yaml")} {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v %v", path, info.Mode(), err)
			}
		}
	}
	for path, want := range map[string]string{stored.PrivateKeyFile: registration().PEM.Reveal(), stored.WebhookSecretFile: "s3cret\n", stored.ClientSecretFile: "logins\n"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s: %q %v", path, text, err)
		}
	}
}

func TestStoringOverwritesNothing(t *testing.T) {
	for _, taken := range []string{"app.pem", "webhook.secret", "client.secret", "app.yaml"} {
		dir := t.TempDir()
		path := filepath.Join(dir, taken)
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError[*app.SetupError](t, app.Storable(dir), taken, "--dir")
		if _, err := registration().Store(dir, true); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", taken, err)
		}
		if text, _ := os.ReadFile(path); string(text) != "precious" {
			t.Errorf("%s was overwritten", taken)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("half an App is left: %v", left)
		}
	}
}

func TestStorableSaysWhyNot(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError[*app.SetupError](t, app.Storable(filepath.Join(file, "kitops")), "cannot be stored", "--dir")
	if os.Geteuid() > 0 && runtime.GOOS != "windows" {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
		wantError[*app.SetupError](t, app.Storable(dir), "permission denied", "--dir")
	}
}

func TestBadStoredAppsAreRefused(t *testing.T) {
	for name, text := range map[string]string{"no YAML": "{", "no id": "private_key_file: x\napi_url: y\n", "no key": "app_id: 1\napi_url: y\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "app.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := app.LoadStored(dir); err == nil || !strings.Contains(err.Error(), "app.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRegistrationPages(t *testing.T) {
	for _, c := range []struct{ api, org, want string }{
		{"", "", "https://github.com/settings/apps"},
		{"https://api.github.com", "acme", "https://github.com/organizations/acme/settings/apps"},
		{"https://git.example.com/api/v3", "acme", "https://git.example.com/organizations/acme/settings/apps"},
		{"https://api.acme.ghe.com", "", "https://acme.ghe.com/settings/apps"},
	} {
		if got, err := app.SettingsURL(c.api, c.org); got != c.want || err != nil {
			t.Errorf("%+v: %s %v", c, got, err)
		}
	}
	for _, org := range []string{"a/b", "?x", "..", "a b"} {
		if got, err := app.SettingsURL("", org); err == nil {
			t.Errorf("%q: %s", org, got)
		}
	}
}
