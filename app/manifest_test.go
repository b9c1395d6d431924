package app_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
)

func TestManifestIsTheProjects(t *testing.T) {
	original, err := os.ReadFile("../app-manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile("manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	if string(original) != string(copied) {
		t.Error("app/manifest.yml is not app-manifest.yml: run make manifest")
	}
}

func TestManifestAsksForNoMoreThanNeeded(t *testing.T) {
	for webhook, want := range map[string]string{
		"":                             ".invalid/",
		"https://hooks.example.com/me": "hooks.example.com/me",
	} {
		text, err := app.Manifest("kitops-acme", "http://127.0.0.1:4/x/registered", webhook, "")
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Name        string            `json:"name"`
			Redirect    string            `json:"redirect_url"`
			Public      *bool             `json:"public"`
			Events      []string          `json:"default_events"`
			Permissions map[string]string `json:"default_permissions"`
			Hook        struct {
				URL    string `json:"url"`
				Active bool   `json:"active"`
			} `json:"hook_attributes"`
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if m.Name != "kitops-acme" || m.Redirect != "http://127.0.0.1:4/x/registered" || m.Public == nil || *m.Public {
			t.Errorf("%+v", m)
		}
		if strings.Join(m.Events, " ") != "push create delete repository" {
			t.Errorf("GitHub refuses other events than these: %v", m.Events)
		}
		p := m.Permissions
		if len(p) != 3 || p["contents"] != "read" || p["statuses"] != "write" || p["metadata"] != "read" {
			t.Errorf("permissions %v", p)
		}
		if !m.Hook.Active || !strings.Contains(m.Hook.URL, want) {
			t.Errorf("hook %+v: an active one is needed for the delivery log", m.Hook)
		}
	}
}
