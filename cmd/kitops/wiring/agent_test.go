package wiring

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/store/file"
)

// TestAnAgentNeedsNoProcess has the way from settings to an action, and what an agent holds alone.
func TestAnAgentNeedsNoProcess(t *testing.T) {
	repo, dir := gittest.New(t), t.TempDir()
	repo.Commit(nil)
	ran := filepath.Join(dir, "ran")
	all, flags := settings.NewOptions(), pflag.NewFlagSet("kitops", pflag.ContinueOnError)
	all.Register(flags)
	err := flags.Parse([]string{
		"--url", repo.Dir, "--action", "touch " + ran, "--poll-once",
		"--state-file", filepath.Join(dir, "state.yaml"), "--repo-dir", filepath.Join(dir, "clones"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := all.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	process := Process{Environ: []string{"PATH=" + os.Getenv("PATH")}, Agent: "kitops/test"}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	for range 2 { // the second finds all as the first left it
		agent, err := Open(t.Context(), s, process, log)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), s, process, log)
		if _, locked := errors.AsType[*file.LockedError](err); !locked {
			t.Errorf("another agent beside it: %v", err)
		}
		if err := errors.Join(agent.Once(t.Context()), agent.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(ran); err != nil {
			t.Error(err)
		}
	}
}
