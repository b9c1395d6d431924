package app_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
)

// TestManifestWithFeatures asks for exactly what each needs.
func TestManifestWithFeatures(t *testing.T) {
	for all, want := range map[string]map[string]string{
		"deployments": {"deployments": "write"},
		"comments":    {"pull_requests": "write"},

		"pull-requests":          {"pull_requests": "read"},
		"comments,pull-requests": {"pull_requests": "write"},

		"runners": {"organization_self_hosted_runners": "write"},

		"repository-runners": {"administration": "write"},
	} {
		text, err := app.Manifest("kitops-acme", "http://127.0.0.1:4/x/registered", "", "", strings.Split(all, ",")...)
		var m struct {
			Permissions map[string]string `json:"default_permissions"`
			Events      []string          `json:"default_events"`
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), &m)
		}
		maps.Copy(want, map[string]string{"contents": "read", "statuses": "write", "metadata": "read"})
		if err != nil || !maps.Equal(m.Permissions, want) {
			t.Errorf("%s: %v, %v", all, m.Permissions, err)
		}
		if slices.Contains(m.Events, "pull_request") != strings.Contains(all, "pull-requests") {
			t.Errorf("%s: %v", all, m.Events)
		}
	}
	if _, err := app.Manifest("kitops-acme", "http://127.0.0.1:4/x/registered", "", "", "everything"); err == nil {
		t.Error("an unknown feature is taken")
	}
}
