package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecurityPromisesAreHeld holds docs/security.md to what it says of itself:
// each row of a table names tests, and they exist.
func TestSecurityPromisesAreHeld(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, name := range words(string(source), `(?m)^func (Test\w+)\(`) {
			tests[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(document(t, "docs/security.md")) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || strings.Contains(line, "---") || strings.TrimSpace(cells[2]) == "Tests" {
			continue
		}
		rows++
		named := words(cells[2], "`([^`]+)`")
		if len(named) == 0 {
			t.Errorf("held by nothing: %s", cells[1])
		}
		for _, name := range named {
			held := tests[name]
			if script, ok := strings.CutPrefix(name, "script/"); ok {
				_, err := os.Stat("testdata/script/" + script + ".txtar")
				held = err == nil
			} else if name == ".ci/systemd" {
				_, err := os.Stat("../../.ci/systemd")
				held = err == nil
			}
			if !held {
				t.Errorf("there is no test %s, which is to hold: %s", name, cells[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d rows", rows)
	}
}
