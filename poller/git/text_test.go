//go:build unix

package git

import (
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestMessageOfARevision is all that its author wrote, not of what was signed or merged; a tag's commit has it.
func TestMessageOfARevision(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	r.Git("commit", "-q", "--allow-empty", "-m", "One\n\nof many [skip ci]\n")
	r.Git("commit", "-q", "--allow-empty", "-m", "Two", "-m", "with a body [skip kitops]")
	r.Git("tag", "-a", "-m", "the tag's own", "v1")
	r.Git("push", "-q", "origin", "main")
	r.PushTags()
	for what, m := range map[string]*Mirror{"http": overHTTP(t, r), "here": mirrorOf(t, r.Dir)} {
		for _, rev := range []refs.Revision{{Ref: "refs/heads/main", SHA: r.SHA("HEAD")}, {Ref: "refs/tags/v1", SHA: r.SHA("v1^{}")}} {
			got, err := m.Text(t.Context(), rev, Options{})
			if want := "Two\n\nwith a body [skip kitops]"; err != nil || got.Message != want {
				t.Errorf("%s, %s: %+v, %v", what, rev.Ref, got, err)
			}
		}
		if got, err := m.Text(t.Context(), refs.Revision{Ref: "refs/heads/main", SHA: "main"}, Options{}); err == nil {
			t.Errorf("%s: of no commit: %+v", what, got)
		}
	}
}
