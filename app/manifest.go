package app

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

//go:generate cp ../app-manifest.yml manifest.yml

// manifest is a copy of app-manifest.yml: what is embedded must be within the folder.
//
//go:embed manifest.yml
var manifest []byte

// Manifest is app-manifest.yml as GitHub's registration form takes it (JSON), with what differs from App to App. Without a
// webhook URL the hook leads to a host that nobody can own: events still reach the App's delivery log. With a login URL
// GitHub sends people back there who log in. Features are what else it is for.
// https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
func Manifest(name, redirectURL, webhookURL, loginURL string, features ...string) (string, error) {
	fields := map[string]any{}
	if err := yaml.Unmarshal(manifest, &fields); err != nil {
		return "", fmt.Errorf("read the App's manifest: %w", err)
	}
	if err := extend(fields, features); err != nil {
		return "", err
	}
	fields["name"], fields["redirect_url"] = name, redirectURL
	if webhookURL != "" {
		fields["hook_attributes"] = map[string]any{"url": webhookURL, "active": true}
	}
	if loginURL != "" {
		fields["callback_urls"] = []string{loginURL}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("write the App's manifest: %w", err)
	}
	return string(text), nil
}
