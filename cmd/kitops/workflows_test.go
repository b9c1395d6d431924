package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
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
