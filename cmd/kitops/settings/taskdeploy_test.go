package settings

import (
	"errors"
	"strings"
	"testing"
)

// TestTasksOfOneEnvironment would make each other's deployments inactive: they are refused, and so is one whose pull requests
// have the environment of its branches. Instances have one each.
func TestTasksOfOneEnvironment(t *testing.T) {
	t.Parallel()
	const head, tail = "github: {app_id: 1, private_key_file: /dev/null, environment: ", "}, actions: [{run: x}]}"
	for name, c := range map[string]struct{ tasks, instance, want string }{
		"two": {
			"[{name: a, git: {url: https://github.com/acme/shop}, " + head + "production" + tail + ", {name: b, git: {url: https://github.com/acme/shop.git}, " + head + "Production" + tail + "]", "",
			"tasks a and b deploy the same repository to the same environment Production",
		},
		"of two repositories": {
			"[{name: a, git: {url: https://github.com/acme/shop}, " + head + "production" + tail + ", {name: b, git: {url: https://github.com/acme/blog}, " + head + "production" + tail + "]", "", "",
		},
		"of pull requests": {"[{name: a, git: {url: https://github.com/acme/shop, branch: main}, pull_requests: {environment: preview}, " + head + "preview" + tail + "]", "", "task a: its pull requests have the environment preview of its branches"},
		"apart":            {"[{name: a, git: {url: https://github.com/acme/shop, branch: main}, pull_requests: {environment: preview}, " + head + "production" + tail + "]", "", ""},
	} {
		config := DefaultConfig()
		config.Status.Instance = c.instance
		tasks, _, _ := parseTaskFile("tasks.yaml", "/", []byte("tasks: "+c.tasks), config) // the key is none
		err := errors.Join(Settings{Config: config, Tasks: tasks}.sameEnvironments()...)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	config := DefaultConfig()
	config.Status.Instance = "staging"
	tasks, _, _ := parseTaskFile("tasks.yaml", "/", []byte("tasks: [{name: a, git: {url: https://github.com/acme/shop, branch: main}, pull_requests: {environment: preview}, "+head+"production"+tail+"]"), config)
	s := Settings{Config: config}
	if got := s.Environment(tasks[0]) + ", " + s.PullEnvironment(tasks[0]); got != "production (staging), preview (staging)" {
		t.Error(got)
	}
}
