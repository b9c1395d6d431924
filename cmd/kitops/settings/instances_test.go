package settings

import (
	"os"
	"strings"
	"testing"
)

// TestInstancesOfATask are named, matched by a pattern, or have a label.
func TestInstancesOfATask(t *testing.T) {
	t.Parallel()
	var c Config
	c.Status.Instance, c.Poller.Labels = "gpu-2", "zone=north,disk=fast"
	for entry, want := range map[string]bool{
		"gpu-2": true, "gpu-*": true, "gpu": false, "*": true, "cpu-*": false,
		"zone=north": true, "zone=south": false, "zone": false, "disk=fast": true, "gpu-[": false,
	} {
		if got := c.isOneOf([]string{"other", entry}); got != want {
			t.Errorf("%s: %t", entry, got)
		}
		if err := checkWhere(entry); (err != nil) != (entry == "gpu-[") {
			t.Errorf("%s: %v", entry, err)
		}
	}
	if _, _, err := loadWith(t, []string{"KITOPS_URL=x", "KITOPS_ACTION=x", "KITOPS_INSTANCE=web.yaml"}); err == nil || !strings.Contains(err.Error(), "cannot be called web.yaml") {
		t.Errorf("an instance is called like a document: %v", err)
	}
	for _, wrong := range []string{"zone", "zone=north,", "=north", "zone=a,zone=b", "zone=\x1b[31m"} {
		if _, err := ParseLabels(wrong); err == nil {
			t.Errorf("%q are labels", wrong)
		}
	}
}

// TestContextsOfInstances: those that share a task share its context, but where each runs it for itself.
func TestContextsOfInstances(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	load := func(instance, key, fleet string) string {
		file := "tasks: [{name: shop, run_on: " + key + ", git: {url: https://github.com/acme/shop}, github: {app_id: 1, private_key_file: /dev/null, report_fleet: " + fleet + "}, actions: [{run: x}]}]"
		c := DefaultConfig()
		c.Poller.State, c.Status.Instance = "s3://acme/team", instance
		tasks, _, _ := parseTaskFile("tasks.yaml", "/", []byte(file), c) // the key is none
		return Settings{Config: c}.StatusContext(tasks[0])
	}
	if got := load("build-1", "each", "one"); got != "kitops/shop" {
		t.Errorf("%s of all together", got)
	}
	for want, got := range map[string]string{
		"kitops/shop":         load("build-1", "one", "each"),
		"kitops/shop@build-1": load("build-1", "each", "each"),
		"kitops/shop@" + host: load(host, "each", "each"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
