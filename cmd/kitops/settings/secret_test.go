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
