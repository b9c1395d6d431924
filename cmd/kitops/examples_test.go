//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

// TestDocsExamplesAreChecked takes every task file of the examples as it stands,
// and every folder of them has a page.
func TestDocsExamplesAreChecked(t *testing.T) {
	app := []string{"KITOPS_GITHUB_APP_ID=4242", "KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t), "KITOPS_TRUST_PUSHERS=true"}
	taskFiles := map[string]bool{}
	for _, path := range docsFiles(t) {
		text := document(t, path)
		if !strings.HasPrefix(path, "docs/examples/") || !strings.HasSuffix(path, ".yaml") || !strings.Contains(text, "\ntasks:\n") && !strings.Contains(text, "\nrunners:\n") {
			continue
		}
		taskFiles[strings.Split(path, "/")[2]] = true
		if !strings.HasPrefix(text, "# yaml-language-server: $schema="+settings.SchemaURL+"\n") {
			t.Errorf("%s: editors find no schema", path)
		}
		dir := t.TempDir()
		settingstest.Write(t, filepath.Join(dir, "app.pem"), settingstest.AppKey(t))
		settingstest.Write(t, filepath.Join(dir, "tasks.yaml"), text)
		if said, code := checked(app, "--config-file", filepath.Join(dir, "tasks.yaml")); code != 0 {
			t.Errorf("%s: %s", path, said)
		}
	}
	index := document(t, "docs/examples/README.md")
	entries, err := os.ReadDir("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() && (!taskFiles[entry.Name()] || !strings.Contains(index, "("+entry.Name()+"/README.md)")) {
			t.Errorf("%s has no task file, or examples/README.md does not list it", entry.Name())
		}
	}
	if len(taskFiles) < 6 {
		t.Errorf("only %v", taskFiles)
	}
}

// TestDocsComposeFitsTheImage holds the Compose file to the image and to the page.
func TestDocsComposeFitsTheImage(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Grace       string            `yaml:"stop_grace_period"`
			Restart     string            `yaml:"restart"`
			Security    []string          `yaml:"security_opt"`
			Drop        []string          `yaml:"cap_drop"`
			Add         []string          `yaml:"cap_add"`
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
			Image       string            `yaml:"image"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	const path = "docs/examples/behind-nat/compose.yaml"
	if err := yaml.Unmarshal([]byte(document(t, path)), &compose); err != nil {
		t.Fatal(err)
	}
	service := compose.Services["kitops"]
	page := document(t, "docs/deploy.md")
	if caps := words(page, `--cap-add (\w+)`); !slices.Equal(slices.Sorted(slices.Values(service.Add)), caps) || !slices.Equal(service.Drop, []string{"ALL"}) {
		t.Errorf("capabilities %v, those of docker run are %v", service.Add, caps)
	}
	if !slices.Equal(service.Security, []string{"no-new-privileges:true"}) || service.Restart != "on-failure" {
		t.Errorf("%+v", service)
	}
	if grace, err := time.ParseDuration(service.Grace); err != nil || grace < 2*(actions.Grace+actions.WaitDelay) {
		t.Errorf("stop_grace_period %s: %v", service.Grace, err)
	}
	if service.Image != "kitops" { // as make image calls it
		t.Errorf("the image is %q", service.Image)
	}
	// Every volume of the image has a place that lasts, and the task file is in a mounted directory.
	mounted := map[string]string{}
	for _, volume := range service.Volumes {
		from, to, _ := strings.Cut(volume, ":")
		mounted[to] = from
		if _, err := os.Stat(filepath.Join("../..", filepath.Dir(path), from)); err != nil {
			if _, named := compose.Volumes[from]; !named {
				t.Errorf("%s is neither a volume nor a folder", from)
			}
		}
	}
	for _, volume := range strings.Fields(words(document(t, "Dockerfile"), `(?m)^VOLUME (.*)$`)[0]) {
		if mounted[volume] == "" {
			t.Errorf("%s is not mounted", volume)
		}
	}
	if dir := filepath.Dir(service.Environment["KITOPS_CONFIG_FILE"]); mounted[dir+":ro"] != "./config" {
		t.Errorf("the task file is in %s, mounted are %v", dir, mounted)
	}
}

// example is a task file of docs/examples, for the scene's GitHub. What it
// names outside of repositories is replaced.
func (s *scene) example(path string, replaced ...string) []string {
	s.t.Helper()
	text := strings.NewReplacer(append(replaced, "https://github.com", s.URL)...).Replace(document(s.t, "docs/examples/"+path))
	return append(s.github(), "--config-file", s.write("tasks.yaml", text))
}

// untimed is a task file of docs/examples whose tasks poll as often as the scene does.
func (s *scene) untimed(path string, replaced ...string) []string {
	s.t.Helper()
	flags := s.example(path, replaced...)
	s.write("tasks.yaml", regexp.MustCompile(`(?m)^ +interval: .*\n`).ReplaceAllString(s.read("tasks.yaml"), ""))
	return flags
}

// brings are the files of a repository that an example shows.
func brings(t *testing.T, example string, more map[string]string) map[string]string {
	t.Helper()
	files := map[string]string{}
	dir := os.DirFS(filepath.Join("../../docs/examples", example, "repository"))
	err := fs.WalkDir(dir, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, path)
		files[path] = string(data)
		if info, _ := entry.Info(); strings.HasPrefix(files[path], "#!") != (info.Mode()&0o100 != 0) {
			t.Errorf("%s of %s: a script is executable, and nothing else", path, example)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for name, text := range more {
		files[name] = text
	}
	return files
}

func TestDocsExampleBehindNAT(t *testing.T) {
	s := newHookScene(t) // its deliveries arrive nowhere
	s.private("acme", "site")
	args := s.example("behind-nat/config/tasks.yaml", "4242", s.app.ClientID, "app.pem", s.path("key.pem"), "acme/site", "acme/shop")
	publish := map[string]string{"publish.sh": "#!/bin/sh\necho $KITOPS_SHA >> " + s.path("ran") + "\n"}
	first := s.shop.Push("main", publish)
	s.agent = s.start(append(args, "--deliveries-interval", "200ms")...)
	if last := s.awaitStatus(first, "success"); last.Context != "kitops/site" {
		t.Errorf("%+v", last)
	}
	second, _ := s.push() // its next poll is minutes away
	s.awaitStatus(second, "success")
	s.agent.stop()
	s.wantRan(first, second)
}

func TestDocsExamplePullRequests(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(append(s.untimed("pull-requests/tasks.yaml"), "--trust-pushers")...)
	agent.says("kitops is watching", 1)
	if !eventually(func() bool { return s.inState("check") }) { // what is there by then is remembered
		t.Fatal(s.story())
	}
	files := brings(t, "pull-requests", map[string]string{"scripts/lint": "#!/bin/sh\n", "scripts/test": "#!/bin/sh\nexit 0\n"})
	good := s.shop.Push("feature/basket", files)
	if last := s.awaitStatus(good, "success"); last.Context != "kitops/check" {
		t.Errorf("%+v", last)
	}
	files["scripts/test"] = "#!/bin/sh\nexit 1\n"
	wantWords(t, s.awaitStatus(s.shop.Push("feature/broken", files), "failure").Description, "test failed with exit code 1")
	wantWords(t, s.awaitStatus(s.shop.Push("docs/typo", files), "success").Description, "nothing to run")
	queued := s.shop.Push("gh-readonly-queue/main/pr-7-abc", map[string]string{".kitops.yaml": "actions: [{run: 'true'}]\n"})
	s.awaitStatus(queued, "success") // the merge queue waits for it
	agent.stop()
	s.wantSaid(s.first)
}

func TestDocsExampleBuildServer(t *testing.T) {
	s := newScene(t, apptest.Options{})
	lab, attic := s.private("acme", "lab"), s.private("acme", "attic-old")
	lab.Push("main", nil)
	old := attic.Push("main", nil)
	agent := s.start(append(s.untimed("build-server/tasks.yaml"), "--trust-pushers")...)
	agent.says("remembered, not run", 2)
	files := brings(t, "build-server", map[string]string{
		"scripts/dependencies": "#!/bin/sh\ntest -n \"$GITHUB_TOKEN\" && touch kept\n", "Makefile": "all:\n\ttest -e kept && test -z \"$$GITHUB_TOKEN\"\n",
	})
	s.awaitSuccess(lab, lab.Push("main", files), "kitops/build")
	s.awaitSuccess(s.shop, s.shop.Push("topic", files), "kitops/build")
	// What a build left is there for the next one on its branch.
	files = map[string]string{"scripts/dependencies": "#!/bin/sh\ntest -e kept\n"}
	s.awaitSuccess(lab, lab.Push("main", files), "kitops/build")
	agent.stop()
	if len(attic.Statuses(old)) > 0 {
		t.Error("an excluded repository was built")
	}
}
