package git

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestTreeBomb has five trees that stand for ten billion files.
func TestTreeBomb(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	over := map[string]*Mirror{"path": mirrorOf(t, r.Dir), "http": overHTTP(t, r)}
	inner, kind := gittest.GitInput(t, r.Dir, "boom", "hash-object", "-w", "--stdin"), "100644"
	for range 5 {
		var entries []string
		for i := range 100 {
			entries = append(entries, kind, fmt.Sprintf("%02d", i), inner)
		}
		inner, kind = gittest.RawTree(t, r, entries...), "40000"
	}
	sha := gittest.CommitTree(t, r, inner)
	for way, m := range over {
		if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "files and directories") {
			t.Errorf("%s: %v", way, err)
		}
	}
}
