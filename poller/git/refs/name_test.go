package refs

import (
	"os/exec"
	"strings"
	"testing"
)

// TestValidAsGit asks git of every name, and takes UTF-8 only.
func TestValidAsGit(t *testing.T) {
	names := []string{
		"refs/heads/main", "refs/heads/a/b.c", "refs/heads/@", "refs/heads/ü", "refs/heads/a\u202eb", "refs/x", "refs/heads/-a", "refs/heads/a@b{c}",
		"refs/", "refs", "refs/heads/", "refs//a", "refs/heads/.a", "refs/heads/a.lock", "refs/heads/a.lock/b", "refs/heads/a.", "refs/heads/a./b",
		"refs/heads/../../etc/passwd", "refs/heads/a..b", "refs/heads/a@{b", "refs/heads/a b", "refs/heads/a\nb", "refs/heads/a\x1b[31m", "refs/heads/a\x7f",
		"refs/heads/a~", "refs/heads/a^", "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[", `refs/heads/a\b`, "refs/heads/a\t",
	}
	for _, name := range names {
		err := exec.Command("git", "check-ref-format", name).Run()
		if want := err == nil; Valid(name) != want {
			t.Errorf("%q: %v, git says %v", name, Valid(name), want)
		}
	}
	for _, name := range []string{"", "HEAD", "main", "heads/main", "refs/heads/\xe9t\xe9", "refs/heads/" + strings.Repeat("a", MaxName)} {
		if Valid(name) {
			t.Errorf("%.40q is valid", name)
		}
	}
}
