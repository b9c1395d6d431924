package settings

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller/secret"
)

func TestCheckShowsTheEffectiveConfigurationWithoutSecrets(t *testing.T) {
	all := NewOptions()
	path := settingstest.At(t, strings.Replace(settingstest.File(`branches: ["release/*", "!release/x"]`, "interval: 90s",
		`environment: {API_TOKEN: hunter2, DB_PASSWORD: hunter2, MY_SECRET: hunter2, DEPLOY_KEY: hunter2, PLAIN: "yes", LINK: "https://me:hunter2@example.com/"}
      - {entrypoint: /bin/x, args: ["http://hunter2@example.com", "a\nb", "#c", "*", "1.0"]}`),
		"https://example.com", "https://me:hunter2@example.com", 1))
	t.Chdir(t.TempDir())
	set(t, all, "CONFIG_FILE", path)
	s, _, err := all.Load([]string{"KITOPS_TIMEOUT=20m"})
	if err != nil {
		t.Fatal(err)
	}
	s.Webhook.Relay, s.App.PrivateKey, s.Webhook.Secret = secret.New("https://smee.io/hunter2"), secret.New("hunter2"), secret.New("hunter2")
	var out bytes.Buffer
	if err := all.WriteSettings(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"log-level: info", "timeout: 20m", "interval: 1m 30s", "config-file: " + path, "webhook-relay: ", "PLAIN: ", "API_TOKEN: ",
		"url: https://example.com/shop", "://***@example.com", "on_new: remember", "run: make",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(out.String(), "hunter2") || t.Failed() {
		t.Errorf("check prints\n%s", out.String())
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("check left %v, %v", left, err)
	}

	var shown struct {
		Tasks any `yaml:"tasks"`
	}
	if err := yaml.Unmarshal(out.Bytes(), &shown); err != nil {
		t.Fatal(err)
	}
	source, err := yaml.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	tasks, mistakes := parse(t, string(source))
	if mistakes != "" {
		t.Fatalf("as a task file:\n%s\n%s", mistakes, source)
	}
	if a := tasks[0].Actions[1]; !slices.Equal(a.Args, []string{"http://***@example.com", "a\nb", "#c", "*", "1.0"}) || !slices.Equal(tasks[0].Refs, s.Tasks[0].Refs) {
		t.Errorf("%+v", tasks)
	}
}

func set(t *testing.T, all Options, key, value string) {
	t.Helper()
	if err := all.ByKey(key).Set(value); err != nil {
		t.Fatal(err)
	}
}
