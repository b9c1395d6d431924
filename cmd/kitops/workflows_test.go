package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestWorkflowsArePinned has every action of a workflow be named by its commit: a
// tag can be moved.
func TestWorkflowsArePinned(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	uses := regexp.MustCompile(`(?m)uses:\s*(\S+)(.*)$`)
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range uses.FindAllStringSubmatch(string(content), -1) {
			if !pinned.MatchString(found[1]) || !regexp.MustCompile(`^ # v\d`).MatchString(found[2]) {
				t.Errorf("%s: %s%s: name a commit, and its version behind it", file, found[1], found[2])
			}
		}
	}
}

// TestWorkflowsRunOnce has a push to a pull request start each workflow once: by
// the pull request, not by its branch as well. A newer push ends the older run.
func TestWorkflowsRunOnce(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		var workflow struct {
			On struct {
				Push struct {
					Branches []string `yaml:"branches"`
					Tags     []string `yaml:"tags"`
				} `yaml:"push"`
			} `yaml:"on"`
			Concurrency struct {
				Group  string `yaml:"group"`
				Cancel any    `yaml:"cancel-in-progress"`
			} `yaml:"concurrency"`
			Jobs map[string]struct {
				Minutes int `yaml:"timeout-minutes"`
			} `yaml:"jobs"`
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(content, &workflow); err != nil {
			t.Fatal(file, err)
		}
		for name, job := range workflow.Jobs {
			if job.Minutes == 0 {
				t.Errorf("%s: %s has no time limit", file, name)
			}
		}
		if workflow.On.Push.Tags != nil { // a release, which is never cut off
			if workflow.Concurrency.Cancel != false || workflow.On.Push.Branches != nil {
				t.Errorf("%s: %+v", file, workflow)
			}
			continue
		}
		if !slices.Equal(workflow.On.Push.Branches, []string{"main"}) {
			t.Errorf("%s: branches of pull requests run twice: %v", file, workflow.On.Push.Branches)
		}
		if !strings.Contains(workflow.Concurrency.Group, "github.ref") || workflow.Concurrency.Cancel == nil {
			t.Errorf("%s: a newer push does not end the run of an older one", file)
		}
	}
	all := document(t, ".github/workflows/test.yml") + document(t, ".github/workflows/lint.yml")
	for _, want := range []string{"govulncheck@v", "- run: make e2e\n", "- run: make fuzz ", "- run: make lint\n", "- run: make systemd\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("no workflow has %s", want)
		}
	}
}

// TestFormsAreTaken holds the issue forms to what GitHub wants of them: names,
// descriptions, and fields with ids of their own.
func TestFormsAreTaken(t *testing.T) {
	files, err := filepath.Glob("../../.github/ISSUE_TEMPLATE/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "config.yml" {
			continue
		}
		var form struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
			Body        []struct {
				Type       string            `yaml:"type"`
				ID         string            `yaml:"id"`
				Attributes map[string]string `yaml:"attributes"`
			} `yaml:"body"`
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalWithOptions(content, &form); err != nil {
			t.Fatal(file, err)
		}
		ids := map[string]bool{}
		for _, field := range form.Body {
			wanted := "label"
			if field.Type == "markdown" {
				wanted = "value"
			} else if field.ID == "" || ids[field.ID] {
				t.Errorf("%s: %+v needs an id of its own", file, field)
			}
			ids[field.ID] = true
			if field.Attributes[wanted] == "" {
				t.Errorf("%s: %+v has no %s", file, field, wanted)
			}
		}
		if form.Name == "" || form.Description == "" || len(form.Body) < 2 {
			t.Errorf("%s: %+v", file, form)
		}
	}
}
