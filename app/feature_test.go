package app_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

// TestManifestWithFeatures asks for exactly what each needs.
func TestManifestWithFeatures(t *testing.T) {
	g := apptest.New(t, apptest.Options{})
	g.AddUser("mona")
	for all, want := range map[string]map[string]string{
		"checks":      {"checks": "write"},
		"deployments": {"deployments": "write"},
		"comments":    {"pull_requests": "write"},

		"pull-requests":          {"pull_requests": "read", "issues": "read"},
		"requires":               {"checks": "read"},
		"checks,requires":        {"checks": "write"},
		"comments,pull-requests": {"pull_requests": "write", "issues": "read"},

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
		if slices.Sort(m.Events); len(slices.Compact(slices.Clone(m.Events))) != len(m.Events) {
			t.Errorf("%s: an event twice: %v", all, m.Events)
		}
		for event, features := range map[string]string{"pull_request": "pull-requests", "issue_comment": "pull-requests", "pull_request_review": "pull-requests", "check_run": "checks requires", "check_suite": "checks", "status": "requires"} {
			wanted := slices.ContainsFunc(strings.Split(all, ","), func(f string) bool { return slices.Contains(strings.Fields(features), f) })
			if slices.Contains(m.Events, event) != wanted {
				t.Errorf("%s: %v", all, m.Events)
			}
		}
		answer, err := http.PostForm(g.URL+"/settings/apps/new", url.Values{"manifest": {text}})
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(answer.Body)
		if _ = answer.Body.Close(); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: GitHub takes no such manifest: %s", all, page)
		}
	}
	if _, err := app.Manifest("kitops-acme", "http://127.0.0.1:4/x/registered", "", "", "everything"); err == nil {
		t.Error("an unknown feature is taken")
	}
}
