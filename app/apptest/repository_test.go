package apptest_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// A repository that is not named is the one around the working directory.
func TestDefaultBranchIsThatOfTheRepository(t *testing.T) {
	around := t.TempDir()
	if out, err := exec.Command("git", "init", "--quiet", "--initial-branch", "mine", around).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	t.Chdir(around)
	g := apptest.New(t, apptest.Options{})
	g.AddOrg("acme")
	r := g.AddRepository("acme", "shop", apptest.RepositoryOptions{})
	r.SetDefaultBranch("other")
	for dir, want := range map[string]string{around + "/.git": "refs/heads/mine", r.Dir(): "refs/heads/other"} {
		out, err := exec.Command("git", "-c", "safe.directory=*", "--git-dir", dir, "symbolic-ref", "HEAD").Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("HEAD of %s is %s, want %s (%v)", dir, got, want, err)
		}
	}
}
