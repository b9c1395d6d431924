package settings

import (
	"strings"
	"testing"
)

// TestRunnerMistakes: each is told with its place, and a file may have runners alone.
func TestRunnerMistakes(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.App.AppID, c.Actions.User = "42", "builder"
	const good = "runners:\n- name: build\n  url: https://github.com/acme\n  run: ./run.sh\n"
	tasks, sets, mistakes := parseTaskFile("tasks.yaml", t.TempDir(), []byte(good), c)
	if len(mistakes) > 0 || len(tasks) != 0 || len(sets) != 1 {
		t.Fatal(tasks, sets, mistakes)
	}
	set := sets[0]
	if set.Max != 1 || set.Min != 0 || set.Drain != usualDrain || set.Group != "Default" || set.User != "builder" || set.Digest == "" {
		t.Errorf("%+v", set)
	}
	for wrong, want := range map[string]string{
		"  lables: [a]\n":           "lables",
		"  max: 0\n":                `max must be a whole number from 1 to 10000, not "0"`,
		"  max: many\n":             "max must be a whole number",
		"  limits: {nice: 20}\n":    "nice must be a whole number",
		"  limits: {workdir: 2G}\n": "workdir is for tasks and their actions",
		"  min: 2\n":                "min must not be above max, which is 1",
		"  public: yes please\n":    "public must be accept",
		"  min_free: lots\n":        "min_free",
		"  entrypoint: x\n":         "run is short for",
		"- name: build\n  url: https://github.com/acme\n  run: x\n":           `named "build"`,
		"- name: a b\n  url: https://github.com/acme\n  run: x\n":             "letters, digits",
		"- name: other\n  url: http://github.com/acme\n  run: x\n":            "must be https",
		"- name: other\n  url: https://github.com/acme/shop/x\n  run: x\n":    "must look like",
		"- name: other\n  url: https://github.com/acme\n":                     "has no entrypoint",
		"tasks:\n- {name: build, git: {url: /x}, actions: [{run: 'true'}]}\n": `named "build"`,
	} {
		_, _, mistakes := parseTaskFile("tasks.yaml", t.TempDir(), []byte(good+wrong), c)
		if len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), want) {
			t.Errorf("%q: %v", wrong, mistakes)
		}
	}
	c.Actions.User = ""
	if _, _, mistakes := parseTaskFile("tasks.yaml", t.TempDir(), []byte(good), c); len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), "user: same") {
		t.Errorf("%v", mistakes)
	}
	c = DefaultConfig()
	if _, _, mistakes := parseTaskFile("tasks.yaml", t.TempDir(), []byte(good+"  user: same\n"), c); len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), "GitHub App") {
		t.Errorf("%v", mistakes)
	}
}
