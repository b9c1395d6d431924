package git

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestTagsLeadToCommits: by every transport a tag is at its commit, and its own object is known.
func TestTagsLeadToCommits(t *testing.T) {
	all := some(historyWays())
	all["files"] = func(t *testing.T, r *gittest.Repo) *Mirror {
		t.Helper()
		r.Bare("update-server-info")
		url, _ := serveFiles(t, r)
		return mirrorOf(t, url)
	}
	for way, reach := range all {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			first := r.Commit(map[string]string{"a": "1"})
			r.Commit(map[string]string{"a": "2"})
			r.Bare("tag", "--annotate", "--message=x", "v1", first)
			r.Bare("tag", "--annotate", "--message=of a tag", "outer", "v1")
			r.Bare("tag", "light", first)
			r.Bare("tag", "--annotate", "--message=z", "other", "main")
			m := reach(t, r)
			heads, tags, err := m.HeadsAndTags(gittest.Generous(t), refs.Patterns{"refs/tags/{v*,outer,light}"})
			if err != nil || len(heads) != 3 {
				t.Fatal(heads, err)
			}
			for _, head := range heads {
				object := r.Bare("rev-parse", head.Ref)
				if head.SHA != first || tags.Of(head) != object && (object != first || tags.Of(head) != "") {
					t.Errorf("%v, and its object %q, want %s by %s", head, tags.Of(head), first, object)
				}
				dir := filepath.Join(t.TempDir(), "workdir")
				if err := m.Checkout(gittest.Generous(t), head, dir, Options{Tag: tags.Of(head), DotGit: true}); err != nil {
					t.Fatal(err)
				}
				if got := gittest.Git(t, dir, "rev-parse", "HEAD", head.Ref); got != first+"\n"+object {
					t.Errorf("the checkout is at %s, want %s and %s", got, first, object)
				}
				if err := m.Checkout(gittest.Generous(t), head, filepath.Join(t.TempDir(), "workdir"), Options{}); err != nil {
					t.Errorf("without its object: %v", err)
				}
			}
			wrong := refs.Revision{Ref: "refs/tags/v1", SHA: r.SHA("HEAD")}
			err = m.Checkout(gittest.Generous(t), wrong, filepath.Join(t.TempDir(), "workdir"), Options{Tag: r.Bare("rev-parse", "v1")})
			if err == nil || !strings.Contains(err.Error(), "the tag leads to "+first) {
				t.Error("a tag that leads elsewhere is checked out", err)
			}
		})
	}
}

// TestTagsOfNoCommits: a tag of a tree or a file is left out, or no commit.
func TestTagsOfNoCommits(t *testing.T) {
	for _, way := range both() {
		r := gittest.New(t)
		r.Commit(map[string]string{"a": "1"})
		r.Bare("tag", "--annotate", "--message=x", "tree", "main^{tree}")
		r.Bare("tag", "blob", "main:a")
		m := ways()[way](t, r)
		heads := mustHeads(t, m, "refs/tags/**")
		if way == "path" && len(heads) > 0 {
			t.Error(heads)
		}
		for _, head := range heads {
			if err := m.Checkout(gittest.Generous(t), head, filepath.Join(t.TempDir(), "workdir"), Options{}); !errors.Is(err, ErrNoCommit) {
				t.Errorf("%s: %v", head.Ref, err)
			}
		}
	}
}

func TestLeading(t *testing.T) {
	objects := []refs.Revision{{Ref: "refs/tags/b", SHA: "2"}, {Ref: "refs/tags/a", SHA: "1"}, {Ref: "refs/tags/c", SHA: "3"}, {Ref: "refs/tags/d", SHA: "4"}}
	commits, tags, unknown := Leading(objects, map[string]string{"1": "11", "2": "22", "4": ""})
	if len(commits) != 2 || !slices.Equal(unknown, []string{"refs/tags/c"}) || tags.Of(refs.Revision{Ref: "refs/tags/a", SHA: "11"}) != "1" || tags.Leads()["2"] != "22" {
		t.Error(commits, tags, unknown)
	}
	if tags.Of(refs.Revision{Ref: "refs/tags/a", SHA: "22"}) != "" {
		t.Error("of another revision")
	}
}
