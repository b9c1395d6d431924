package settings

import (
	"strings"
	"testing"
	"time"
)

const two = `
tasks:
  - {name: one, git: {url: "https://example.com/one"}}
  - name: two
    interval: 5s
    git: {url: "https://example.com/two", branches: [stable], checkout: fresh}
    actions: [{run: other}]
`

func TestDefaultsGiveWhatTasksLeaveOut(t *testing.T) {
	tasks, mistakes := parse(t, `
defaults:
  interval: 30s
  timeout: 2m
  on_new: run
  git: {branch: main, checkout: reuse, clean: true, history: 7}
  actions: [{name: build, run: make}]
`+two)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	one, other := tasks[0], tasks[1]
	if one.Interval != 30*time.Second || one.Timeout != 2*time.Minute || !one.RunNew || one.Refs[0] != "refs/heads/main" ||
		!one.Checkout.Reuse || !one.Checkout.Clean || one.Checkout.History != 7 || one.Actions[0].Name != "build" {
		t.Errorf("%+v", one)
	}
	if other.Interval != 5*time.Second || other.Timeout != 2*time.Minute || len(other.Refs) != 1 || other.Refs[0] != "refs/heads/stable" ||
		other.Checkout.Reuse || other.Checkout.Clean || other.Checkout.History != 7 || other.Actions[0].Args[1] != "other" {
		t.Errorf("its own keys do not win: %+v", other)
	}
	written, _ := parse(t, `
tasks:
  - {name: one, git: {url: "https://example.com/one", branch: main, checkout: reuse, clean: true, history: 7}, interval: 30s, timeout: 2m, on_new: run, actions: [{name: build, run: make}]}
`)
	if written[0].Digest != one.Digest {
		t.Error("a task is another one when defaults say the same")
	}
}

func TestDefaultsThatExcludeEachOther(t *testing.T) {
	for name, c := range map[string]struct{ defaults, keys string }{
		"what is brought for actions": {"{config: .kitops.yaml, allow: {inherit_environment: true}}", "actions: [{run: x}]"},
		"actions for what is brought": {"{actions: [{run: x}]}", "config: .kitops.yaml"},
		"submodules":                  {"{git: {submodules: true, submodule_credentials: [\"https://example.com/lib\"]}, actions: [{run: x}]}", "git: {url: x, submodules: false}"},
		"no .git":                     {"{git: {history: 5}, actions: [{run: x}]}", "git: {url: x, dot_git: false}"},
	} {
		git := "git: {url: x}\n    "
		if strings.HasPrefix(c.keys, "git:") {
			git = ""
		}
		if _, mistakes := parse(t, "defaults: "+c.defaults+"\ntasks:\n  - name: a\n    "+git+c.keys+"\n"); mistakes != "" {
			t.Errorf("%s: %s", name, mistakes)
		}
	}
}

func TestMistakesInDefaultsAreToldOnce(t *testing.T) {
	for defaults, want := range map[string]string{
		"interval: 5":                    `1:22: interval: "5" has no unit; write for instance 5s`,
		"git: {branch: a..b}":            "1:26: branch: ",
		"name: x":                        "1:18: name is each task's own; it cannot stand in defaults",
		"git: {url: x}":                  "1:23: url is each task's own; it cannot stand in defaults",
		"git: {urls: [acme/*]}":          "1:24: urls is each task's own; it cannot stand in defaults",
		"github: {app_id: x}":            `1:29: app_id: "x" is neither an App ID`,
		"brnach: x":                      `1:12: unknown key "brnach" in defaults`,
		"actions: [{name: x}]":           "1:22: action has no entrypoint",
		"actions: [{run: x}], config: y": "config and actions exclude each other",
		"config: y, allow: {github_token: {statuses: write}}": "1:45: github_token: statuses cannot be allowed",
	} {
		_, mistakes := parse(t, "defaults: {"+defaults+"}"+two)
		told := 0
		for line := range strings.Lines(mistakes) {
			if strings.Contains(line, want) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: told %d times, want once %s\n%s", defaults, told, want, mistakes)
		}
	}
	if _, mistakes := parse(t, "defaults: {git: {branch: main}}\ntasks: [{name: x, actions: [{run: y}]}]\n"); !strings.Contains(mistakes, "tasks.yaml:2:9: task has no git") {
		t.Error(mistakes)
	}
}

func TestAnchorsHaveAPlace(t *testing.T) {
	tasks, mistakes := parse(t, `
x-slow: &slow {timeout: 3h, x-why: [it builds, everything]}
x-env: &env {A: 1, B: 2}
tasks:
  - <<: *slow
    name: one
    x-owner: me
    git: {url: "https://example.com/one", x-note: ~}
    actions:
      - run: make
        x-more: {<<: {}}
        environment: {<<: *env, B: 3, x-c: 4}
  - <<: [{interval: 5s}, *slow, {interval: 7s}]
    timeout: 1h
    name: two
    git: {url: "https://example.com/two"}
    actions: [{run: make}]
`)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	if e := plainly(tasks[0].Actions[0].Environment); tasks[0].Timeout != 3*time.Hour || len(e) != 2 || e["A"] != "1" || e["B"] != "3" {
		t.Errorf("%+v", tasks[0])
	}
	if tasks[1].Timeout != time.Hour || tasks[1].Interval != 5*time.Second {
		t.Errorf("%+v", tasks[1])
	}
	bomb := "x-a: &a0 {x-0: 1}\n"
	for i := range 30 {
		bomb += strings.ReplaceAll("x-bN: &aM {<<: [*aN, *aN, *aN, *aN]}\n", "aN", "a"+string(rune('0'+i%10))) // names come again: the last one counts
		bomb = strings.ReplaceAll(strings.ReplaceAll(bomb, "bN", "b"), "aM", "a"+string(rune('0'+(i+1)%10)))
	}
	if _, mistakes := parse(t, bomb+"tasks: [{<<: *a0}]\n"); mistakes == "" {
		t.Error("a bomb of merge keys was taken")
	}
}
