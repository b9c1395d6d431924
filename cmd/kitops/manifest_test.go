package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/app/apptest"
)

// manifestAnswer is what GitHub says to app-manifest.yml with its events.
func manifestAnswer(t *testing.T, events ...string) (code int, body string) {
	t.Helper()
	fields := map[string]any{}
	if err := yaml.Unmarshal([]byte(document(t, "app-manifest.yml")), &fields); err != nil {
		t.Fatal(err)
	}
	fields["redirect_url"] = "http://127.0.0.1:1/" // whoever sends it is to be answered
	for _, event := range events {
		fields["default_events"] = append(fields["default_events"].([]any), event)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	hub := apptest.New(t, apptest.Options{})
	hub.AddUser("mona")
	hub.AddOrg("acme")
	answer, err := http.PostForm(hub.URL+"/organizations/acme/settings/apps/new", url.Values{"manifest": {string(text)}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read whole
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(page)
}

func TestManifestIsTakenByGitHub(t *testing.T) {
	if code, page := manifestAnswer(t); code != http.StatusOK || !strings.Contains(page, "Create GitHub App") {
		t.Errorf("%d\n%s", code, page)
	}
	for _, event := range []string{"installation", "installation_repositories", "pull_request", "check_run"} {
		if code, page := manifestAnswer(t, event); code != http.StatusUnprocessableEntity || !strings.Contains(page, event+" is not supported") {
			t.Errorf("%s: %d\n%s", event, code, page)
		}
	}
}

func TestManifestAsksForNoMoreThanTheDocsSay(t *testing.T) {
	source := document(t, "app-manifest.yml")
	var manifest struct {
		Public bool `yaml:"public"`
		Hook   struct {
			URL    string `yaml:"url"`
			Active bool   `yaml:"active"`
		} `yaml:"hook_attributes"`
		Events      []string          `yaml:"default_events"`
		Permissions map[string]string `yaml:"default_permissions"`
	}
	if err := yaml.Unmarshal([]byte(source), &manifest); err != nil {
		t.Fatal(err)
	}
	hook, err := url.Parse(manifest.Hook.URL)
	if err != nil || !strings.HasSuffix(hook.Hostname(), ".invalid") || !manifest.Hook.Active || manifest.Public {
		t.Errorf("%+v", manifest)
	}
	if !slices.Equal(manifest.Events, []string{"push", "create", "delete", "repository"}) {
		t.Errorf("events %v", manifest.Events)
	}
	listed := rows(document(t, "docs/github-app.md"), "(Contents|Commit statuses|Metadata): .*")
	if len(listed) != len(manifest.Permissions) {
		t.Errorf("github-app.md has %v, the manifest %v", listed, manifest.Permissions)
	}
	for _, row := range listed {
		name, level, _ := strings.Cut(row[0], ": ")
		key := map[string]string{"Contents": "contents", "Commit statuses": "statuses", "Metadata": "metadata"}[name]
		if want := map[string]string{"Read-only": "read", "Read and write": "write"}[level]; manifest.Permissions[key] != want {
			t.Errorf("github-app.md says %s, the manifest %s", row[0], manifest.Permissions[key])
		}
	}
	for line := range strings.Lines(source) {
		text, why, _ := strings.Cut(strings.TrimSpace(line), "#")
		if text = strings.TrimSpace(text); text != "" && !strings.HasSuffix(text, ":") && !strings.HasPrefix(text, "description:") && strings.TrimSpace(why) == "" {
			t.Errorf("no word on why: %s", text)
		}
	}
}
