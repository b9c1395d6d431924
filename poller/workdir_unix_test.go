//go:build unix

package poller

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// TestWorkdirsAreForTheirUser has another user of the machine know the path of a
// workdir, and get nowhere with it.
func TestWorkdirsAreForTheirUser(t *testing.T) {
	if os.Getuid() != 0 {
		return // nobody else runs actions as another user
	}
	place, err := os.MkdirTemp("", "kitops-test-*") //nolint:usetesting // where other users get through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place) })
	if err := os.Chmod(place, 0o755); err != nil {
		t.Fatal(err)
	}
	repos := filepath.Join(place, "repos")
	if err := os.Mkdir(repos, 0o711); err != nil {
		t.Fatal(err)
	}
	p := &Poller{RepoDir: repos}
	p.User = &actions.User{Name: "builder", UID: 12345, GID: 23456}
	dir := filepath.Join(repos, "kept", "0123", "shop")
	for range 2 { // the second finds it there
		if err := p.makeWorkdir(dir, p.User); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for uid, gets := range map[uint32]bool{12345: true, 12346: false} {
		cmd := exec.CommandContext(t.Context(), "ls", dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid + 11111}}
		if out, err := cmd.CombinedOutput(); (err == nil) != gets {
			t.Errorf("user %d: %v, %s", uid, err, out)
		}
	}
}
