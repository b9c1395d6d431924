package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller/secret/secrettest"
)

// TestSettingsShowNoSecret prints settings in every way that somebody who looks
// for a fault might.
func TestSettingsShowNoSecret(t *testing.T) {
	const relay, hook = "https://smee.io/confidential", "webhook-hunter2"
	key := settingstest.AppKey(t)
	s, warnings, err := loadWith(t, []string{"KITOPS_GITHUB_PRIVATE_KEY=" + key, "KITOPS_WEBHOOK_SECRET=" + hook, "KITOPS_WEBHOOK_RELAY=" + relay},
		"--github-app-id", "1", "--url", "https://github.com/acme/shop", "--action", "true")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, &s, *s.Tasks[0].GitHub)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("loaded", "settings", s, "app", s.App, "webhook", s.Webhook)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("loaded", "settings", s)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		for _, value := range []any{s.App, s.Webhook, s.Tasks[0].GitHub} {
			data, err := marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(data)
		}
	}
	if err := NewOptions().WriteSettings(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"PRIVATE KEY", strings.Split(key, "\n")[2], hook, "confidential"} {
		if at := strings.Index(out.String(), secret); at >= 0 {
			t.Errorf("%s is shown: %.80s", secret, out.String()[max(0, at-40):])
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Error(out.String())
	}
	other := *s.Tasks[0].GitHub
	before := s.Tasks[0].digested("x").Digest
	other.Key = s.Webhook.Secret
	s.Tasks[0].GitHub = &other
	if s.Tasks[0].digested("x").Digest == before {
		t.Error("another key is no change")
	}
}

// TestTasksShowNoSecret is about what a task is given: by flags, by variables
// and by the task file.
func TestTasksShowNoSecret(t *testing.T) {
	one, _, err := loadWith(t, []string{"KITOPS_ENVIRONMENT=PASSWORD=hunter2-variable"}, "--url", "https://me:hunter2-url@github.com/acme/shop", "--action", "true")
	if err != nil {
		t.Fatal(err)
	}
	brought, _, err := loadWith(t, nil, "--url", "https://hunter2-user@github.com/acme/shop", "--action-file", "kitops.yaml", "--environment", "PASSWORD=hunter2-flag")
	if err != nil {
		t.Fatal(err)
	}
	file := settingstest.At(t, strings.Replace(settingstest.File("", "", "environment: {PASSWORD: hunter2-entry}"), "https://", "https://me:hunter2-file@", 1))
	many, _, err := loadWith(t, nil, "--config-file", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Settings{one, brought, many} {
		secrettest.Hidden(t, []string{"hunter2"}, s, &s, s.Config, s.Tasks[0], s.Tasks[0].Actions, s.Tasks[0].Bring, s.Tasks[0].URL)
	}
	options := NewOptions()
	if err := options.ByKey("URL").Set("https://me:hunter2@github.com/acme/shop"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := options.Load([]string{"KITOPS_ACTION=true", "KITOPS_ENVIRONMENT=PASSWORD=hunter2"}); err != nil {
		t.Fatal(err)
	}
	secrettest.Hidden(t, []string{"hunter2"}, options.ByKey("URL"), *options.ByKey("URL"), options.ByKey("ENVIRONMENT"), *options.ByKey("ENVIRONMENT"))
}

// TestEveryVariableCounts changes a value that Task does not tell.
func TestEveryVariableCounts(t *testing.T) {
	digests := map[string]string{}
	for _, flags := range [][]string{
		{"--action", "true", "--environment", "A=1", "--environment", "B=2"},
		{"--action", "true", "--environment", "A=2", "--environment", "B=1"},
		{"--action", "true", "--environment", "A=1", "--environment", "B=12"},
		{"--action", "true", "--environment", "A=11", "--environment", "B=2"},
		{"--action-file", "a.yaml", "--environment", "A=1"},
		{"--action-file", "a.yaml", "--environment", "A=2"},
	} {
		s, _, err := loadWith(t, nil, append(flags, "--url", "https://github.com/acme/shop")...)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := digests[s.Tasks[0].Digest]; twice {
			t.Errorf("%q has the digest of %q", flags, other)
		}
		digests[s.Tasks[0].Digest] = fmt.Sprint(flags)
	}
}
