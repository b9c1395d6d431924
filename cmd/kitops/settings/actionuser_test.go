package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/secret"
)

func TestReadableKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no other users for actions
	}
	dir := t.TempDir()
	closed, open := filepath.Join(dir, "closed.pem"), filepath.Join(dir, "open.pem")
	if err := errors.Join(
		os.WriteFile(closed, nil, 0o600), os.WriteFile(open, nil, 0o600), os.Chmod(open, 0o644),
		os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	task := func(g *settings.GitHub) settings.Task { return settings.Task{GitHub: g} }
	s := settings.Settings{Tasks: []settings.Task{
		task(nil), task(&settings.GitHub{KeyFile: closed}), task(&settings.GitHub{KeyFile: open}),
		task(&settings.GitHub{Key: secret.New("literal")}), task(&settings.GitHub{KeyFile: closed, StatusContext: "x"}),
	}}
	another := &actions.User{UID: os.Geteuid() + 4_000_000, GID: 4_000_000}
	for name, c := range map[string]struct {
		user *actions.User
		want []string
	}{
		"nobody else":      {nil, []string{closed, open, "KITOPS_GITHUB_PRIVATE_KEY"}},
		"the agent itself": {&actions.User{UID: os.Geteuid()}, []string{closed, open, "KITOPS_GITHUB_PRIVATE_KEY"}},
		"another user":     {another, []string{open}},
	} {
		if got := s.ReadableKeys(c.user); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
