package git

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	for way, reach := range some(historyWays()) {
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
			var packed strings.Builder
			packed.WriteString(dotgit.RefsHeader)
			for i := range remote.MaxTagRefs {
				fmt.Fprintf(&packed, "%s refs/tags/many/%05d\n", sha, i)
			}
			gittest.Write(t, filepath.Join(r.Dir, "packed-refs"), packed.String())
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

// TestTagsOfAHistoryPushedOver looks at what is left of the tags of a branch
// when that was pushed over, was rewound and grew again: what git clone has.
func TestTagsOfAHistoryPushedOver(t *testing.T) {
	long(t)
	r := gittest.New(t)
	first := r.Commit(map[string]string{"a": "1"})
	second := r.Commit(map[string]string{"a": "2"})
	r.Bare("tag", "base", first)
	r.Bare("tag", "--annotate", "--message=x", "v1", second)
	for way, m := range some(map[string]*Mirror{"path": mirrorOf(t, r.Dir), "http": overHTTP(t, r)}) {
		for _, to := range []string{second, first, second} {
			r.Reset(to)
			sha := to
			for i := range 2 {
				dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
				mustBeAsCloned(t, dir, r, "main", ancestry.FullHistory)
				if t.Failed() {
					t.Fatalf("%s, after %s", way, to)
				}
				sha = r.Commit(map[string]string{"a": fmt.Sprint(to, i)})
			}
		}
	}
}

// TestTagsWhereNothingIsCutAnew is Dulwich's server, which fails where it is told
// of commits without parents and not how deep to go.
func TestTagsWhereNothingIsCutAnew(t *testing.T) {
	r := gittest.New(t)
	shas := r.History(map[string]string{"a": "1"}, map[string]string{"a": "2"}, map[string]string{"a": "3"})
	refused := 0
	url, _ := serveOddly(t, r, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		req.Header.Del("Git-Protocol")
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("shallow")) && !bytes.Contains(body, []byte("deepen")) {
			refused++
			http.Error(w, "'>' not supported between 'int' and 'NoneType'", http.StatusInternalServerError)
			return
		}
		backend.ServeHTTP(w, req)
	})
	m := mirrorOf(t, url+"/repo.git")
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	rev := refs.Revision{Ref: "refs/heads/main", SHA: shas[2]}
	mustHistory(t, m, rev, 2)
	for i, sha := range shas {
		r.Bare("tag", "--annotate", "--message=x", fmt.Sprint("v", i), sha)
	}
	dir := mustHistory(t, m, rev, 2)
	mustBeAsCloned(t, dir, r, "main", 2)
	mustBeRepository(t, dir, shas[2])
	mustKeepSound(t, m)
	if refused != 1 || log.Len() > 0 {
		t.Errorf("refused %d times: %s", refused, log.String())
	}
}
