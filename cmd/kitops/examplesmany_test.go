package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store/s3"
)

// TestDocsComposeOfManyInstances holds the Compose file to what kitops reads, to itself, and to the server that the tests run on.
func TestDocsComposeOfManyInstances(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Image       string            `yaml:"image"`
			Command     []string          `yaml:"command"`
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
			Restart     string            `yaml:"restart"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	if err := yaml.Unmarshal([]byte(document(t, "docs/examples/many-instances/compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	store := compose.Services["store"]
	tested := words(document(t, ".ci/store-servers"), `(?m)^versitygw=(.*)$`)[0]
	if store.Image != "versity/versitygw:"+tested || !strings.Contains(document(t, "docs/many-instances.md"), "versitygw "+strings.TrimPrefix(tested, "v")) {
		t.Errorf("the store is %s, tests run on %s", store.Image, tested)
	}
	names := map[string]bool{}
	for name, service := range compose.Services {
		if service.Image != "kitops" {
			continue
		}
		location, err := s3.Parse(service.Environment["KITOPS_STATE"])
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := url.Parse(location.Endpoint)
		if err != nil || endpoint.Hostname() != "store" || store.Command[1] != ":"+endpoint.Port() {
			t.Errorf("%s: the store is at %s, and listens on %s", name, location.Endpoint, store.Command)
		}
		if service.Environment["AWS_ACCESS_KEY_ID"] != store.Environment["ROOT_ACCESS_KEY"] || service.Restart != "on-failure" {
			t.Errorf("%s: %+v", name, service)
		}
		names[service.Environment["KITOPS_INSTANCE"]] = true
		for _, volume := range service.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if _, named := compose.Volumes[from]; !named && from != "./config" {
				t.Errorf("%s: %s is no volume", name, from)
			}
		}
	}
	if len(names) != 2 {
		t.Errorf("the instances are called %v", names)
	}
}

// TestDocsOnFargate says how long an action may take there, and leaves a stop more time than kitops takes.
func TestDocsOnFargate(t *testing.T) {
	for _, line := range strings.Split(document(t, "docs/many-instances.md"), "\n") {
		if !strings.HasPrefix(line, "| AWS Fargate") {
			continue
		}
		if !strings.Contains(line, "ends a task after at most 120 s") || !strings.Contains(line, "have actions that are shorter") || !strings.Contains(line, "`stopTimeout: 30`") {
			t.Errorf("%s", line)
		}
		return
	}
	t.Error("nothing is said of Fargate")
}
