package actions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLimitFiles writes to files as the kernel has them, where it has all controllers.
func TestLimitFiles(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	files := map[string]string{
		"cgroup.controllers": "cpuset cpu io memory pids\n", "cgroup.subtree_control": "",
		"run-x/memory.max": "", "run-x/cpu.max": "", "run-x/pids.max": "", "run-x/io.weight": "",
	}
	if err := os.Mkdir(filepath.Join(parent, "run-x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(parent, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := cgroup(parent).of("x").limit(Limits{Memory: 2 << 30, CPU: 1.5, PIDs: 500, IOWeight: 50, Nice: 5}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(parent, "cgroup.subtree_control")); err != nil || !strings.HasPrefix(string(got), "+io") { // the last write

		t.Errorf("%q, %v", got, err)
	}
	for name, want := range map[string]string{
		"run-x/memory.max": "2147483648", "run-x/cpu.max": "150000 100000", "run-x/pids.max": "500", "run-x/io.weight": "default 50",
	} {
		if got, err := os.ReadFile(filepath.Join(parent, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
