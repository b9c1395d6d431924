package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/handover"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/members"
)

// TestLastStartThatFindsAnotherAgent is not the new program's fault.
func TestLastStartThatFindsAnotherAgent(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"lock": &file.LockedError{}, "name": &members.NameTakenError{}} {
		dir := t.TempDir()
		record := filepath.Join(dir, "upgrade.yaml")
		const before = "from: 0.1.0\nto: 0.2.0\nstarts: 2\n"
		if err := os.WriteFile(record, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		p := program{environ: []string{"KITOPS_STATE_FILE=" + filepath.Join(dir, "state.yaml")}, stderr: io.Discard, options: settings.NewOptions()}
		start := p.start()
		start.Program, start.Version = filepath.Join(dir, "kitops"), "0.2.0"
		counted := ""
		ended := start.Run(t.Context(), func() (*handover.Heir, error) {
			data, _ := os.ReadFile(record)
			counted = string(data)
			return nil, err
		})
		if counted != "from: 0.1.0\nto: 0.2.0\nstarts: 3\n" {
			t.Errorf("%s: the start began with %q", name, counted)
		}
		if !errors.Is(ended, err) {
			t.Errorf("%s: ended with %v", name, ended)
		}
		if after, err := os.ReadFile(record); err != nil || string(after) != before {
			t.Errorf("%s: %q, %v", name, after, err)
		}
	}
}
