package git

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestPush tells of the commits of a push what git log does, and of one that was forced what git merge-base does,
// whatever history the checkout has.
func TestPush(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	applied := r.SHA("HEAD")
	r.Git("commit", "-q", "--allow-empty", "-m", "One\n\nwith more")
	r.Git("commit", "-q", "--allow-empty", "-m", "Two")
	head := r.SHA("HEAD")
	r.Git("checkout", "-q", "-b", "other", applied)
	r.Git("commit", "-q", "--allow-empty", "-m", "Instead")
	instead := r.SHA("HEAD")
	r.Git("branch", "applied", applied)
	r.Git("push", "-q", r.Dir, "--all")
	for name, m := range map[string]*Mirror{"http": overHTTP(t, r), "here": mirrorOf(t, r.Dir)} {
		for _, history := range []int{0, FullHistory} {
			for _, c := range []struct {
				sha, since string
				want       []string // with the whole history
				forced     bool
			}{
				{head, applied, []string{"One\n\nwith more", "Two"}, false},
				{head, "", []string{"Two"}, false},
				{instead, head, []string{"Instead"}, true},
				{applied, head, nil, true},
				{head, head, nil, false},
			} {
				rev := refs.Revision{Ref: "refs/heads/x", SHA: c.sha}
				o := Options{DotGit: true, History: history}
				if err := m.Checkout(t.Context(), rev, filepath.Join(t.TempDir(), "w"), o); err != nil {
					t.Fatal(name, err)
				}
				got, err := m.Push(t.Context(), rev, c.since, o)
				if err != nil {
					t.Fatal(name, err)
				}
				var messages []string
				for _, c := range got.Commits {
					messages = append(messages, c.Message)
				}
				want := c.want
				if history == 0 && name == "http" && len(want) > 1 {
					want = want[len(want)-1:]
				}
				if strings.Join(messages, "|") != strings.Join(want, "|") || got.Forced != c.forced || got.Head.SHA != c.sha {
					t.Errorf("%s, history %d, %.7s since %.7s: %q, forced %v, head %s; want %q, %v", name, history, c.sha, c.since, messages, got.Forced, got.Head.SHA, want, c.forced)
				}
				if tree := r.SHA(c.sha + "^{tree}"); got.Head.Tree != tree || got.Head.Author.Name == "" || got.Head.Committer.When.IsZero() {
					t.Errorf("%+v, want the tree %s", got.Head, tree)
				}
			}
		}
	}
}
