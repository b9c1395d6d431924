package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// The first kitops' form, with all its keys but github.
const oldTaskFile = `tasks:
  - name: sample
    git:
      url: https://github.com/bittrance/kitops
      branch: main
    interval: 1h 30m
    timeout: 5 minutes
    actions:
      - name: List files
        entrypoint: /bin/ls
        args:
          - -l
          - 5
        environment:
          - DEBUG: true
          - RATIO: 1.50
          - TEXT: yes
        inherit_environment: true
`

func parse(t *testing.T, source string) ([]taskSettings, string) {
	t.Helper()
	tasks, mistakes := parseTaskFile("tasks.yaml", t.TempDir(), []byte(source), defaultConfig())
	if len(mistakes) == 0 {
		return tasks, ""
	}
	return tasks, errors.Join(mistakes...).Error()
}

func TestTaskFileOfTheFirstKitops(t *testing.T) {
	tasks, mistakes := parse(t, oldTaskFile)
	if mistakes != "" || len(tasks) != 1 {
		t.Fatalf("%d tasks, mistakes:\n%s", len(tasks), mistakes)
	}
	task, action := tasks[0], tasks[0].Actions[0]
	if task.Name != "sample" || task.URL.String() != "https://github.com/bittrance/kitops" || !slices.Equal(task.Refs, git.Patterns{"refs/heads/main"}) {
		t.Errorf("task %+v", task)
	}
	if task.Interval != 90*time.Minute || task.Timeout != 5*time.Minute || task.RunNew {
		t.Errorf("task %+v", task)
	}
	if action.Name != "List files" || action.Entrypoint != "/bin/ls" || !slices.Equal(action.Args, []string{"-l", "5"}) || !action.InheritEnvironment {
		t.Errorf("action %+v", action)
	}
	if want := map[string]string{"DEBUG": "true", "RATIO": "1.50", "TEXT": "yes"}; !maps.Equal(action.Environment, want) {
		t.Errorf("environment %v, want %v", action.Environment, want)
	}
}

// file fills in what every task file needs; the name comes at line 2, git at
// line 4, extra keys of the task at line 6.
func file(gitKeys, taskKeys, actionKeys string) string {
	return fmt.Sprintf(`tasks:
  - name: shop
    git:
      url: https://example.com/shop
      %s
    %s
    actions:
      - run: make
        %s
`, gitKeys, taskKeys, actionKeys)
}

func TestTaskFileValues(t *testing.T) {
	tests := map[string]struct {
		source string
		holds  func(taskSettings) bool
	}{
		"defaults": {file("", "", ""), func(s taskSettings) bool {
			return slices.Equal(s.Refs, git.Patterns{"HEAD"}) && s.Interval == time.Minute && s.Timeout == time.Hour &&
				s.Actions[0].Name == "action-1" && s.Actions[0].Entrypoint == "/bin/sh" && slices.Equal(s.Actions[0].Args, []string{"-c", "make"})
		}},
		"patterns": {file(`branches: ["release/*", "!release/old-*", refs/heads/x, HEAD]`, "", ""), func(s taskSettings) bool {
			return slices.Equal(s.Refs, git.Patterns{"refs/heads/release/*", "!refs/heads/release/old-*", "refs/heads/x", "HEAD"})
		}},
		"branch is a pattern": {file(`branch: "**"`, "", ""), func(s taskSettings) bool {
			return slices.Equal(s.Refs, git.Patterns{"refs/heads/**"})
		}},
		"on_new":      {file("", "on_new: run", ""), func(s taskSettings) bool { return s.RunNew }},
		"go duration": {file("", "interval: 1.5h", ""), func(s taskSettings) bool { return s.Interval == 90*time.Minute }},
		"environment": {file("", "", "environment: {A: 1, B: '', C: true, D: 0x1F}"), func(s taskSettings) bool {
			return s.Actions[0].Environment["D"] == "0x1F" && s.Actions[0].Environment["B"] == ""
		}},
		"no expansion":  {file("", "", "environment: {A: $HOME}"), func(s taskSettings) bool { return s.Actions[0].Environment["A"] == "$HOME" }},
		"block text":    {file("", "", "name: >-\n          one\n          two"), func(s taskSettings) bool { return s.Actions[0].Name == "one two" }},
		"alias":         {file("branch: &b main", "", "name: *b"), func(s taskSettings) bool { return s.Actions[0].Name == "main" }},
		"byte order":    {"\ufeff" + file("", "", ""), func(s taskSettings) bool { return s.Name == "shop" }},
		"carriage":      {strings.ReplaceAll(file("branch: main", "", ""), "\n", "\r\n"), func(s taskSettings) bool { return s.Refs[0] == "refs/heads/main" }},
		"directive":     {"%YAML 1.2\n---\n" + file("", "", ""), func(s taskSettings) bool { return s.Name == "shop" }},
		"end marker":    {"---\n" + file("", "", "") + "...\n", func(s taskSettings) bool { return s.Name == "shop" }},
		"relative path": {strings.Replace(file("", "", ""), "https://example.com/shop", "./shop", 1), func(s taskSettings) bool { return filepath.IsAbs(s.URL.String()) && s.URL.Name() == "shop" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tasks, mistakes := parse(t, test.source)
			if mistakes != "" {
				t.Fatal(mistakes)
			}
			if !test.holds(tasks[0]) {
				t.Errorf("%+v", tasks[0])
			}
		})
	}
}

func TestTaskFilePathsAreRelativeToIt(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	write(t, key, appKey())
	path := filepath.Join(dir, "tasks.yaml")
	source := file("ssh_key_file: key.pem", "github: {app_id: 4242, private_key_file: key.pem}", "")
	write(t, path, strings.Replace(source, "https://example.com/shop", "shop.git", 1))
	t.Chdir(t.TempDir())
	tasks, mistakes := readTaskFile(path, defaultConfig())
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	task := tasks[0]
	if task.SSHKeyFile != key || task.GitHub.KeyFile != key || task.GitHub.AppID != "4242" || task.URL.String() != filepath.Join(dir, "shop.git") {
		t.Errorf("%+v %+v", task, task.GitHub)
	}
}

func TestDigest(t *testing.T) {
	digest := func(source string) string {
		t.Helper()
		tasks, mistakes := parse(t, source)
		if mistakes != "" {
			t.Fatal(mistakes)
		}
		return tasks[0].Digest
	}
	base := digest(file("", "", "environment: {A: 1, B: 2}"))
	for _, same := range []string{
		file("", "", "environment: {B: 2, A: 1}"),
		file("", "", "environment: [B: 2, A: 1]"),
		"# moved down\n\n" + file("branch: HEAD", "interval: 60s", "environment: {A: 1, B: 2}"),
	} {
		if digest(same) != base {
			t.Errorf("another digest for\n%s", same)
		}
	}
	for _, other := range []string{
		file("", "", "environment: {A: 1, B: 3}"),
		file("", "interval: 61s", "environment: {A: 1, B: 2}"),
		file("branch: main", "", "environment: {A: 1, B: 2}"),
		strings.Replace(file("", "", "environment: {A: 1, B: 2}"), "https://", "https://me:secret@", 1),
	} {
		if digest(other) == base {
			t.Errorf("the same digest for\n%s", other)
		}
	}
}

func TestReadTaskFileFails(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "missing.yaml"), t.TempDir()} {
		if _, mistakes := readTaskFile(path, defaultConfig()); len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), path) {
			t.Errorf("%v", mistakes)
		}
	}
}

func FuzzTaskFile(f *testing.F) {
	f.Add(oldTaskFile)
	f.Add(file(`branches: ["release/*", "!x"]`, "on_new: run", "environment: {A: 1}"))
	f.Add(file("branch: &b main", "interval: *b", "environment: [A: 1]"))
	f.Add("? a\n: !!str b\n<<: *x\n---\n- |\n  x\n")
	f.Fuzz(func(t *testing.T, source string) {
		tasks, mistakes := parseTaskFile("tasks.yaml", string(filepath.Separator), []byte(source), defaultConfig())
		if len(mistakes) > 0 {
			for _, err := range mistakes {
				if !strings.HasPrefix(err.Error(), "tasks.yaml:") || strings.HasPrefix(err.Error(), "tasks.yaml:0:") {
					t.Fatalf("no place in %q", err)
				}
			}
			return
		}
		names := map[string]bool{}
		for _, task := range tasks {
			if task.Name == "" || names[task.Name] || task.Interval <= 0 || task.Timeout <= 0 || task.Refs.Validate() != nil ||
				len(task.Actions) == 0 || slices.ContainsFunc(task.Actions, func(a actions.Action) bool { return a.Entrypoint == "" || a.Name == "" }) {
				t.Fatalf("accepted %+v", task)
			}
			names[task.Name] = true
		}
		if len(tasks) == 0 {
			t.Fatal("accepted no task")
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
