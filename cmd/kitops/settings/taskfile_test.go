package settings

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
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

// parse also holds the schema to taking what kitops takes.
func parse(t *testing.T, source string) ([]Task, string) {
	t.Helper()
	tasks, _, mistakes := parseTaskFile("tasks.yaml", t.TempDir(), []byte(source), DefaultConfig())
	if len(mistakes) == 0 {
		if err := judged(t, source); err != nil {
			t.Errorf("the schema refuses what kitops takes: %v\n%s", err, source)
		}
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
	if want := map[string]string{"DEBUG": "true", "RATIO": "1.50", "TEXT": "yes"}; !maps.Equal(plainly(action.Environment), want) {
		t.Errorf("environment %v, want %v", plainly(action.Environment), want)
	}
}

func TestTaskFileValues(t *testing.T) {
	tests := map[string]struct {
		source string
		holds  func(Task) bool
	}{
		"defaults": {settingstest.File("", "", ""), func(s Task) bool {
			return slices.Equal(s.Refs, git.Patterns{"HEAD"}) && s.Interval == time.Minute && s.Timeout == time.Hour &&
				s.Actions[0].Name == "action-1" && s.Actions[0].Entrypoint == "/bin/sh" && slices.Equal(s.Actions[0].Args, []string{"-c", "make"})
		}},
		"patterns": {settingstest.File(`branches: ["release/*", "!release/old-*", refs/heads/x, HEAD]`, "", ""), func(s Task) bool {
			return slices.Equal(s.Refs, git.Patterns{"refs/heads/release/*", "!refs/heads/release/old-*", "refs/heads/x", "HEAD"})
		}},
		"branch is a pattern": {settingstest.File(`branch: "**"`, "", ""), func(s Task) bool {
			return slices.Equal(s.Refs, git.Patterns{"refs/heads/**"})
		}},
		"on_nothing": {settingstest.File("", "on_nothing: silent", ""), func(s Task) bool { return s.Silent }},
		"paths": {settingstest.File("", `paths: ["api/**", "!**/*.md"]`, ""), func(s Task) bool {
			return slices.Equal(s.Paths, git.PathPatterns{"api/**", "!**/*.md"})
		}},
		"on_new":      {settingstest.File("", "on_new: run", ""), func(s Task) bool { return s.RunNew }},
		"go duration": {settingstest.File("", "interval: 1.5h", ""), func(s Task) bool { return s.Interval == 90*time.Minute }},
		"environment": {settingstest.File("", "", "environment: {A: 1, B: '', C: true, D: 0x1F}"), func(s Task) bool {
			return s.Actions[0].Environment["D"].Reveal() == "0x1F" && s.Actions[0].Environment["B"].Reveal() == ""
		}},
		"no expansion":  {settingstest.File("", "", "environment: {A: $HOME}"), func(s Task) bool { return s.Actions[0].Environment["A"].Reveal() == "$HOME" }},
		"block text":    {settingstest.File("", "", "name: >-\n          one\n          two"), func(s Task) bool { return s.Actions[0].Name == "one two" }},
		"alias":         {settingstest.File("branch: &b main", "", "name: *b"), func(s Task) bool { return s.Actions[0].Name == "main" }},
		"byte order":    {"\ufeff" + settingstest.File("", "", ""), func(s Task) bool { return s.Name == "shop" }},
		"carriage":      {strings.ReplaceAll(settingstest.File("branch: main", "", ""), "\n", "\r\n"), func(s Task) bool { return s.Refs[0] == "refs/heads/main" }},
		"directive":     {"%YAML 1.2\n---\n" + settingstest.File("", "", ""), func(s Task) bool { return s.Name == "shop" }},
		"end marker":    {"---\n" + settingstest.File("", "", "") + "...\n", func(s Task) bool { return s.Name == "shop" }},
		"relative path": {strings.Replace(settingstest.File("", "", ""), "https://example.com/shop", "./shop", 1), func(s Task) bool { return filepath.IsAbs(s.URL.String()) && s.URL.Name() == "shop" }},
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
	settingstest.Write(t, key, settingstest.AppKey(t))
	path := filepath.Join(dir, "tasks.yaml")
	source := settingstest.File("ssh_key_file: key.pem", "github: {app_id: 4242, private_key_file: key.pem}", "")
	settingstest.Write(t, path, strings.Replace(source, "https://example.com/shop", "shop.git", 1))
	t.Chdir(t.TempDir())
	tasks, _, mistakes := readTaskFile(path, DefaultConfig())
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
	base := digest(settingstest.File("", "", "environment: {A: 1, B: 2}"))
	for _, same := range []string{
		settingstest.File("", "", "environment: {B: 2, A: 1}"),
		settingstest.File("", "", "environment: [B: 2, A: 1]"),
		"# moved down\n\n" + settingstest.File("branch: HEAD", "interval: 60s", "environment: {A: 1, B: 2}"),
	} {
		if digest(same) != base {
			t.Errorf("another digest for\n%s", same)
		}
	}
	for _, other := range []string{
		settingstest.File("", "", "environment: {A: 1, B: 3}"),
		settingstest.File("", "interval: 61s", "environment: {A: 1, B: 2}"),
		settingstest.File("branch: main", "", "environment: {A: 1, B: 2}"),
		strings.Replace(settingstest.File("", "", "environment: {A: 1, B: 2}"), "https://", "https://me:secret@", 1),
	} {
		if digest(other) == base {
			t.Errorf("the same digest for\n%s", other)
		}
	}
}

func TestReadTaskFileFails(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "missing.yaml"), t.TempDir()} {
		if _, _, mistakes := readTaskFile(path, DefaultConfig()); len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), path) {
			t.Errorf("%v", mistakes)
		}
	}
}

func FuzzTaskFile(f *testing.F) {
	f.Add(oldTaskFile)
	f.Add(settingstest.File(`branches: ["release/*", "!x"]`, "on_new: run", "environment: {A: 1}"))
	f.Add(settingstest.File("branch: &b main", "interval: *b", "environment: [A: 1]"))
	f.Add("? a\n: !!str b\n<<: *x\n---\n- |\n  x\n")
	f.Fuzz(func(t *testing.T, source string) {
		tasks, _, mistakes := parseTaskFile("tasks.yaml", string(filepath.Separator), []byte(source), DefaultConfig())
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
