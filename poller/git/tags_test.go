package git

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// TestTagsFollow moves and deletes tags, and gives up where there are too many.
func TestTagsFollow(t *testing.T) {
	for way, reach := range historyWays() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			m := reach(t, r)
			var log bytes.Buffer
			m.Log = slog.New(slog.NewTextHandler(&log, nil))
			r.Commit(map[string]string{"a": "1"})
			sha := r.Commit(map[string]string{"a": "2"})
			rev := refs.Revision{Ref: "refs/heads/main", SHA: sha}
			mustBeAsCloned(t, mustHistory(t, m, rev, 5), r, "main", 5)
			for _, change := range [][]string{
				{"tag", "--annotate", "--message=x", "v1", sha},
				{"tag", "light", sha},
				{"tag", "--force", "--annotate", "--message=y", "v1", sha + "~1"},
				{"tag", "--delete", "light"},
				{"tag", "--annotate", "--message=z", "outer", "v1"},
				{"tag", "tree", sha + "^{tree}"},
			} {
				r.Bare(change...)
				for _, history := range []int{5, ancestry.FullHistory} {
					dir := mustHistory(t, m, rev, history)
					mustBeRepository(t, dir, sha)
					mustBeAsCloned(t, dir, r, "main", history)
				}
			}
			mustKeepSound(t, m)
			packed := dotgit.RefsHeader
			for i := range remote.MaxTagRefs {
				packed += fmt.Sprintf("%s refs/tags/many/%05d\n", sha, i)
			}
			gittest.Write(t, filepath.Join(r.Dir, "packed-refs"), packed)
			for range 2 {
				if got := gittest.Git(t, mustHistory(t, m, rev, 5), "tag"); got != "" {
					t.Errorf("tags %.100s", got)
				}
			}
			if n := strings.Count(log.String(), "too many tags"); n != 1 || strings.Count(log.String(), "level=WARN") != 1 {
				t.Errorf("warned %d times: %s", n, log.String())
			}
		})
	}
}
