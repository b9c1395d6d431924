package settings

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/secret"
)

// appOff as App ID means no App, not even one that kitops setup stored.
const appOff = "off"

// useStored takes the App that kitops setup stored when nothing else is said
// about one. What this user may not read is another's: that is a warning.
func (all Options) useStored(cfg *Config, environ []string) (warnings []string, err error) {
	if cfg.App.AppID == appOff {
		cfg.App.AppID, cfg.App.PrivateKeyFile, cfg.App.PrivateKey = "", "", secret.Text{}
		return nil, nil
	}
	dir := ConfigDir(environ)
	for _, key := range []string{"GITHUB_APP_ID", "GITHUB_PRIVATE_KEY_FILE", "GITHUB_PRIVATE_KEY"} {
		if all.ByKey(key).origin != "" {
			return nil, nil
		}
	}
	if dir == "" {
		return nil, nil
	}
	stored, err := app.LoadStored(dir)
	if err == nil && sameGitHub(stored.APIURL, cfg.App.APIURL) {
		err = checkKeyFile(stored.PrivateKeyFile)
		if err == nil {
			cfg.App.AppID, cfg.App.PrivateKeyFile = fmt.Sprint(stored.AppID), stored.PrivateKeyFile
			if all.ByKey("WEBHOOK_SECRET_FILE").origin+all.ByKey("WEBHOOK_SECRET").origin == "" && (cfg.Webhook.Listen != "" || cfg.Webhook.Relay.Given()) {
				cfg.Webhook.SecretFile = stored.WebhookSecretFile
			}
			if all.ByKey("GITHUB_CLIENT_SECRET_FILE").origin == "" && cfg.Page.PageURL != "" {
				cfg.App.ClientSecretFile = stored.ClientSecretFile
			}
			return nil, nil
		}
	} else if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // service users may have /dev/null for a home
		return nil, nil
	}
	err = fmt.Errorf("the App that kitops setup stored: %w (--github-app-id off does without it)", err)
	if errors.Is(err, fs.ErrPermission) {
		return []string{err.Error()}, nil
	}
	return nil, err
}

// ConfigDir is where the user keeps kitops' configuration, as os.UserConfigDir
// has it; "" when the environment does not tell.
func ConfigDir(environ []string) string {
	variables := env.ToMap(environ)
	var parts []string
	switch {
	case runtime.GOOS == "windows":
		parts = []string{variables["APPDATA"]}
	case runtime.GOOS == "darwin":
		parts = []string{variables["HOME"], "Library", "Application Support"}
	case variables["XDG_CONFIG_HOME"] != "":
		parts = []string{variables["XDG_CONFIG_HOME"]}
	default:
		parts = []string{variables["HOME"], ".config"}
	}
	if !filepath.IsAbs(parts[0]) {
		return ""
	}
	return filepath.Join(append(parts, "kitops")...)
}

// sameGitHub tells whether two API URLs belong to one host.
func sameGitHub(a, b string) bool {
	webs := make([]string, 0, 2)
	for _, api := range []string{a, b} {
		web, err := app.WebURL(api)
		if err != nil {
			return false
		}
		webs = append(webs, web)
	}
	return len(slices.Compact(webs)) == 1
}

// APIURL is where GitHub's API is: the variable's, or github.com's.
func APIURL(environ []string) string {
	return cmp.Or(env.ToMap(environ)[VariablePrefix+"GITHUB_API_URL"], DefaultConfig().App.APIURL)
}
