package git

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestCommitsBetween holds what a mirror tells of its commits to what git log says, with a merge between them.
func TestCommitsBetween(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	r.Git("checkout", "-q", "-b", "side")
	r.Git("commit", "-q", "--allow-empty", "-m", "Before <b>the</b> applied one\n\nwith more")
	r.Git("checkout", "-q", "main")
	r.Git("merge", "-q", "--no-ff", "-m", "Applied", "side")
	applied := strings.TrimSpace(r.Git("rev-parse", "HEAD"))
	r.Git("commit", "-q", "--allow-empty", "-m", "On main")
	r.Git("checkout", "-q", "side")
	r.Git("commit", "-q", "--allow-empty", "-m", "On the side "+strings.Repeat("x", 300))
	r.Git("checkout", "-q", "main")
	r.Git("merge", "-q", "--no-ff", "-m", "Merged", "side")
	head := strings.TrimSpace(r.Git("rev-parse", "HEAD"))
	r.Push()
	m := overHTTP(t, r)
	rev := refs.Revision{Ref: "refs/heads/main", SHA: head}
	if _, err := m.Commits(t.Context(), applied, head, 10); err == nil {
		t.Error("a mirror that has nothing tells of commits")
	}
	if err := m.Checkout(t.Context(), rev, filepath.Join(t.TempDir(), "w"), Options{}); err != nil {
		t.Fatal(err)
	}
	if all, err := m.Commits(t.Context(), applied, head, 10); err == nil {
		t.Errorf("a mirror without history tells of %v", all)
	}
	if err := m.Checkout(t.Context(), rev, filepath.Join(t.TempDir(), "w"), Options{DotGit: true, History: FullHistory}); err != nil {
		t.Fatal(err)
	}
	all, err := m.Commits(t.Context(), applied, head, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		got = append(got, c.SHA)
		if len(c.Subject) > maxSubject || strings.Contains(c.Subject, "\n") || c.Subject == "" {
			t.Errorf("%q", c.Subject)
		}
	}
	want := strings.Fields(r.Git("rev-list", applied+".."+head))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || all[0].Subject != "Merged" {
		t.Errorf("%v, want %v", all, want)
	}
	if all, err := m.Commits(t.Context(), applied, head, 2); err != nil || len(all) != 2 {
		t.Error(all, err)
	}
	if _, err := m.Commits(t.Context(), strings.Repeat("1", 40), head, 2); err == nil {
		t.Error("an unknown commit is known")
	}
}
