package settings

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

func TestStatusesAreWantedByAnyTaskOfAnApp(t *testing.T) {
	own := func(context string) string {
		return "github: {app_id: 4242, private_key_file: app.pem, status_context: " + context + "}"
	}
	path := settingstest.HubAt(t, own("off"), "")
	s := mustLoad(t, nil, "--config-file", path)
	if s.StatusesWanted(*s.Tasks[0].GitHub) {
		t.Error("wanted, though off")
	}
	other := strings.NewReplacer("tasks:\n", "", "shop", "other", "example.com", "github.com/acme").Replace(settingstest.File("", own("on"), ""))
	settingstest.Write(t, path, settingstest.File("", own("off"), "")+other)
	s = mustLoad(t, nil, "--config-file", path)
	if !s.StatusesWanted(*s.Tasks[0].GitHub) {
		t.Error("not wanted, though one task has them")
	}
}

func TestCheckShowsWhatGitHubIsTold(t *testing.T) {
	all := NewOptions()
	set(t, all, "CONFIG_FILE", settingstest.HubAt(t, "github: {app_id: 4242, private_key_file: app.pem}", "github_token: true"))
	set(t, all, "INSTANCE", "staging")
	s, _, err := all.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := all.WriteSettings(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`app_id: "4242"`, "private_key_file: /", "status_context: kitops/shop@staging", "github_token:\n          contents: read"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "PRIVATE KEY") {
		t.Errorf("check prints\n%s", out.String())
	}
}

// TestAPushThatCutsADeploymentIsWarnedOf unless an action is finished first.
func TestAPushThatCutsADeploymentIsWarnedOf(t *testing.T) {
	for task, warned := range map[string]bool{
		"on_push: cancel\n    github: {app_id: 4242, private_key_file: app.pem, environment: production}": true,
		"on_push: finish\n    github: {app_id: 4242, private_key_file: app.pem, environment: production}": false,
		"on_push: cancel\n    github: {app_id: 4242, private_key_file: app.pem}":                          false,
	} {
		for action, spared := range map[string]bool{"": false, "cancel: after": true} {
			_, warnings, err := loadWith(t, nil, "--config-file", settingstest.HubAt(t, task, action))
			if err != nil || (len(warnings) == 1 && strings.Contains(warnings[0], "cancel a push ends a deployment to production")) != (warned && !spared) || len(warnings) > 1 {
				t.Errorf("%s, %q: %v %q", task, action, err, warnings)
			}
		}
	}
}
