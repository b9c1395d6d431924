//go:build unix

package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller/secret"
)

// storedApp puts an App into the configuration directory, which it returns.
func storedApp(t *testing.T, apiURL string) string {
	t.Helper()
	config := t.TempDir()
	dir := ConfigDir([]string{"XDG_CONFIG_HOME=" + config})
	if err := app.Storable(dir); err != nil {
		t.Fatal(err)
	}
	r := app.Registration{ID: 77, Name: "kitops-acme", HTMLURL: "https://github.com/apps/kitops-acme", PEM: secret.New(settingstest.AppKey(t)), ClientSecret: secret.New("logins"), APIURL: apiURL}
	if _, err := r.Store(dir, true); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestStoredClientSecret is for a page that has an address only, and never in the way of another.
func TestStoredClientSecret(t *testing.T) {
	config := storedApp(t, "https://api.github.com")
	for want, page := range map[string][]string{
		"":                               {"KITOPS_PAGE=127.0.0.1:0"},
		config + "/kitops/client.secret": {"KITOPS_PAGE=127.0.0.1:0", "KITOPS_PAGE_URL=https://kitops.example.com"},
		config + "/kitops/app.pem":       {"KITOPS_PAGE=127.0.0.1:0", "KITOPS_PAGE_URL=https://kitops.example.com", "KITOPS_GITHUB_CLIENT_SECRET_FILE=" + config + "/kitops/app.pem"},
	} {
		all := NewOptions()
		set(t, all, "URL", "https://github.com/acme/shop")
		set(t, all, "ACTION", "true")
		s, _, err := all.Load(append(page, "XDG_CONFIG_HOME="+config))
		if want == config+"/kitops/app.pem" && err != nil { // which is none, and is judged
			continue
		}
		if err != nil || s.App.ClientSecretFile != want {
			t.Errorf("%v: %q, %v", page, s.App.ClientSecretFile, err)
		}
	}
}

func TestStoredAppIsTheLastDefault(t *testing.T) {
	config := storedApp(t, "https://api.github.com")
	enterprise := storedApp(t, "https://git.example.com/api/v3")
	key := filepath.Join(t.TempDir(), "key.pem")
	settingstest.Write(t, key, settingstest.AppKey(t))
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
		all := NewOptions()
		set(t, all, "URL", "https://github.com/acme/shop")
		set(t, all, "ACTION", "true")
		s, warnings, err := all.Load(c.environ)
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
		all := NewOptions()
		set(t, all, "URL", "https://github.com/acme/shop")
		set(t, all, "ACTION", "true")
		_, warnings, err := all.Load([]string{"XDG_CONFIG_HOME=" + config})
		return warnings, err
	}
	config := storedApp(t, "https://api.github.com")
	if err := os.Remove(filepath.Join(config, "kitops/app.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := load(config); err == nil || !strings.Contains(err.Error(), "app.pem") || !strings.Contains(err.Error(), "--github-app-id off") {
		t.Error(err)
	}
	settingstest.Write(t, filepath.Join(config, "kitops/app.yaml"), "{")
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
		all := NewOptions()
		set(t, all, "CONFIG_FILE", settingstest.At(t, settingstest.File("", keys, "")))
		if _, _, err := all.Load([]string{"XDG_CONFIG_HOME=" + config}); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", keys, err)
		}
	}
}

// Service users have such homes.
func TestHomeThatIsNoDirectory(t *testing.T) {
	for _, home := range []string{"/dev/null", "/nonexistent"} {
		all := NewOptions()
		set(t, all, "CONFIG_FILE", settingstest.At(t, settingstest.File("", "", "")))
		if _, _, err := all.Load([]string{"HOME=" + home}); err != nil {
			t.Errorf("%s: %v", home, err)
		}
	}
}
