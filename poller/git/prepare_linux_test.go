package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestPreparedDirectories goes forth and back through all that can become of a file, a directory or a link.
func TestPreparedDirectories(t *testing.T) {
	r := gittest.New(t)
	must(t, os.Symlink("a", filepath.Join(r.Work, "link")))
	shas := []string{r.Commit(map[string]string{"a": "1", "same": "same", "d/same": "same", "d/e/f": "deep", "gone/x/y": "1", "run.sh": "#!", "eol": "one\n"})}
	r.Git("rm", "-q", "-r", "gone", "link")
	must(t, os.Symlink("same", filepath.Join(r.Work, "link")))
	r.Git("update-index", "--chmod=+x", "run.sh")
	shas = append(shas, r.Commit(map[string]string{"a": "2", "new/one": "2", ".gitattributes": "eol eol=crlf\n"}))
	r.Git("rm", "-q", "-r", "d", "link")
	shas = append(shas, r.Commit(map[string]string{"d": "a file", "link/is": "a directory", ".gitattributes": "eol -text\n"}))
	for _, way := range both() {
		for _, o := range []Options{{Park: true}, {Park: true, DotGit: true, History: 2}} {
			t.Run(fmt.Sprintf("%s, .git %t", way, o.DotGit), func(t *testing.T) {
				p := &parking{Mirror: ways()[way](t, r), o: o, above: t.TempDir(), prepare: true, hurry: make(chan struct{})}
				for i, sha := range []string{shas[0], shas[1], shas[2], shas[2], shas[1], shas[0], shas[2], shas[0]} {
					if i == 4 {
						close(p.hurry)
					}
					dir := p.next(t, sha)
					found := exactly(t, dir)
					for inside := range found {
						if rel, err := filepath.Rel(".git", inside); err == nil && filepath.IsLocal(rel) {
							delete(found, inside)
						}
					}
					gittest.MustHave(t, sha, found, exportedExactly(t, r, sha))
					if o.DotGit && gittest.Git(t, dir, "status", "--porcelain") != "" {
						t.Errorf("git status: %s", gittest.Git(t, dir, "status", "--porcelain"))
					}
					age(t, dir)
				}
			})
		}
	}
}

// A failure of the network leaves what is prepared, one that comes later nothing that counts.
func TestAPreparedDirectoryIsUsedOnce(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit(map[string]string{"a": "1", "b": "1", "same": "same"})
	m := mirrorOf(t, r.Dir)
	dir, o := filepath.Join(t.TempDir(), "workdir"), Options{Park: true}
	rev := func(sha string) refs.Revision { return refs.Revision{Ref: "refs/heads/main", SHA: sha} }
	must(t, m.Checkout(gittest.Generous(t), rev(first), filepath.Join(t.TempDir(), "workdir"), o)) // so that the mirror has it
	must(t, m.Prepare(gittest.Generous(t), rev(first), dir, o, make(chan struct{})))
	same := inode(t, filepath.Join(dir, "same"))
	if err := m.Checkout(gittest.Generous(t), rev(strings.Repeat("0", 39)+"1"), dir, o); err == nil {
		t.Fatal("there is no such revision")
	}
	second := r.Commit(map[string]string{"a": "2", "b": "2"})
	m.fail = func(op, name string) error {
		if op == "rename" && name == "b" {
			return errors.New("of a test")
		}
		return nil
	}
	if err := m.Checkout(gittest.Generous(t), rev(second), dir, o); err == nil {
		t.Fatal("nothing has failed")
	}
	if inode(t, filepath.Join(dir, "same")) != same {
		t.Error("what was prepared was not used")
	}
	m.fail = nil
	if err := m.Checkout(gittest.Generous(t), rev(second), dir, o); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a directory between two revisions is believed: %v", err)
	}
	must(t, os.RemoveAll(dir))
	must(t, m.Checkout(gittest.Generous(t), rev(second), dir, o))
	gittest.MustHave(t, second, exactly(t, dir), exportedExactly(t, r, second))
}
