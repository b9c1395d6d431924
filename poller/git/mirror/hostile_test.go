package mirror

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/remote"
)

func emptyBare(t *testing.T, depth int) *Bare {
	t.Helper()
	b, err := Open(gittest.Generous(t), filepath.Join(t.TempDir(), "bare"), depth, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// send has a repository receive a pack of some objects.
func send(t *testing.T, b *Bare, r *gittest.Repo, rev Held, objects []string, told ...object.ID) error {
	t.Helper()
	pack := gittest.RawOutput(t, r.Dir, strings.Join(objects, "\n")+"\n", "pack-objects", "--stdout", "-q")
	_, err := b.Receive(gittest.Generous(t), &remote.FetchResponse{Reader: bytes.NewReader(pack), Body: io.NopCloser(nil), Shallow: told}, rev, 1<<30, nil)
	return err
}

func names(t *testing.T, r *gittest.Repo, args ...string) []string {
	t.Helper()
	return strings.Fields(r.Bare(append([]string{"rev-list", "--objects", "--no-object-names"}, args...)...))
}

// TestHolesInHistory sends a history without one of its objects, each in turn.
func TestHolesInHistory(t *testing.T) {
	r, sha := gittest.ThreeCommits(t)
	rev := Held{Ref: "refs/heads/main", ID: idOf(t, sha)}
	all := names(t, r, "main")
	for _, depth := range []int{ancestry.FullHistory, 5, 2} {
		needed := all
		if depth == 2 {
			needed = names(t, r, "main", "^main~1^1", "^main~1^2")
			needed = append(needed, names(t, r, "main~1^{tree}")...)
		}
		for _, hole := range all {
			b := emptyBare(t, depth)
			rest := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == hole })
			err := send(t, b, r, rev, rest)
			if missed := slices.Contains(needed, hole); missed != (err != nil) {
				t.Errorf("depth %d without %s: %v", depth, r.Bare("cat-file", "-t", hole), err)
			}
			if left, _ := filepath.Glob(filepath.Join(b.dir, "objects", "pack", "*")); err != nil && len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	}
	merge := idOf(t, r.SHA("main~1"))
	cut := append(names(t, r, "main", "^main~1"), names(t, r, "main~1^{tree}")...)
	cut = append(cut, merge.String())
	if err := send(t, emptyBare(t, 5), r, rev, cut); err == nil {
		t.Error("a history that nobody said is cut was taken")
	}
	b := emptyBare(t, 5)
	if err := send(t, b, r, rev, cut, merge, idOf(t, strings.Repeat("12", 20))); err != nil || !slices.Equal(b.Shallow, []object.ID{merge}) {
		t.Errorf("cut at %v: %v", b.Shallow, err)
	}
	if err := send(t, b, r, rev, names(t, r, "main~1")); err != nil || len(b.Shallow) > 0 {
		t.Errorf("made whole, but cut at %v: %v", b.Shallow, err)
	}
}

func idOf(tb testing.TB, hex string) object.ID {
	tb.Helper()
	id, ok := object.ParseID(hex)
	if !ok {
		tb.Fatalf("%q is no name", hex)
	}
	return id
}
