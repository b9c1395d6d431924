package git

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// TestGoingBack checks out older commits of what is held, where a server of
// version 0 gives no others: it is not asked.
func TestGoingBack(t *testing.T) {
	r := gittest.New(t)
	m := historyWays()["http version 0"](t, r)
	var shas []string
	for i := range 8 {
		shas = append(shas, r.Commit(map[string]string{"a": fmt.Sprint(i)}))
	}
	mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: shas[7]}, 4)
	mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: shas[7]}, ancestry.FullHistory)
	for i, sha := range shas {
		dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
		mustBeRepository(t, dir, sha)
		if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != fmt.Sprint(i+1) {
			t.Errorf("%d: %s commits", i, got)
		}
	}
	err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: shas[5]}, filepath.Join(t.TempDir(), "workdir"), Options{DotGit: true, History: 4})
	if !errors.Is(err, remote.ErrMoved) {
		t.Errorf("an older commit, the history of which is not here: %v", err)
	}
	r.Reset(shas[5])
	dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: shas[5]}, 4)
	mustBeAsCloned(t, dir, r, "main", 4)
	mustKeepSound(t, m)
}

// TestShallowRemote has a remote that lacks some of the history itself, and
// gets it later.
func TestShallowRemote(t *testing.T) {
	for way, reach := range some(historyWays()) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			whole, r := gittest.New(t), gittest.New(t)
			for i := range 6 {
				whole.Commit(map[string]string{"a": fmt.Sprint(i)})
			}
			sha := whole.SHA("HEAD")
			r.Bare("fetch", "--quiet", "--depth=3", "file://"+whole.Dir, "+main:main")
			m := reach(t, r)
			for _, history := range []int{1, 2, 5, ancestry.FullHistory} {
				dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, history)
				mustBeRepository(t, dir, sha)
				want := min(history, 3)
				if history == ancestry.FullHistory {
					want = 3
				}
				if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != fmt.Sprint(want) {
					t.Errorf("%d: %s commits", history, got)
				}
			}
			mustKeepSound(t, m)
			r.Bare("fetch", "--quiet", "--unshallow", "file://"+whole.Dir, "main")
			sha = whole.Commit(map[string]string{"a": "6"})
			r.Bare("fetch", "--quiet", "file://"+whole.Dir, "+main:main")
			dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, 5)
			mustBeRepository(t, dir, sha)
			mustBeAsCloned(t, dir, r, "main", 5)
			mustKeepSound(t, m)
		})
	}
}

// TestHistoryOfServerWithoutShallow gets more than was asked for.
func TestHistoryOfServerWithoutShallow(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	m := mirrorOf(t, serveWithout(t, r, "shallow"))
	for i := range 12 {
		sha := r.Commit(map[string]string{"a": fmt.Sprint(i)})
		if i < 6 {
			continue
		}
		for _, history := range []int{1, 3, ancestry.FullHistory} {
			dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, history)
			mustBeRepository(t, dir, sha)
			mustBeAsCloned(t, dir, r, "main", history)
		}
	}
	mustKeepSound(t, m)
}
