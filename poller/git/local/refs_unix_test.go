//go:build unix

package local_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/remote"
)

func advertised(t *testing.T, path string) *remote.Advertisement {
	t.Helper()
	repo, err := local.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ad, err := repo.Advertisement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ad
}

// byGit are the refs as git lists them.
func byGit(t *testing.T, path string) []string {
	t.Helper()
	lines := strings.Split(gittest.Git(t, path, "for-each-ref", "--format=%(refname) %(objectname)"), "\n")
	slices.Sort(lines)
	return lines
}

func mustBeAsByGit(t *testing.T, what, path string) {
	t.Helper()
	var found []string
	for _, r := range advertised(t, path).Refs {
		found = append(found, r.Ref+" "+r.SHA)
	}
	if want := byGit(t, path); !slices.Equal(found, want) {
		t.Errorf("%s: %q, git: %q", what, found, want)
	}
}

// TestLinkedRefs has refs be links: to directories elsewhere, as several work
// trees of one repository have them, to files, to other refs, and to themselves.
func TestLinkedRefs(t *testing.T) {
	for what, link := range map[string]func(dir, elsewhere string) error{
		"refs": func(dir, elsewhere string) error {
			return moveAndLink(filepath.Join(dir, "refs"), filepath.Join(elsewhere, "refs"))
		},
		"refs/heads": func(dir, elsewhere string) error {
			return moveAndLink(filepath.Join(dir, "refs", "heads"), filepath.Join(elsewhere, "heads"))
		},
		"one ref": func(dir, elsewhere string) error {
			return moveAndLink(filepath.Join(dir, "refs", "heads", "main"), filepath.Join(elsewhere, "main"))
		},
		"to a ref": func(dir, _ string) error {
			return os.Symlink("refs/heads/main", filepath.Join(dir, "refs", "heads", "alias"))
		},
		"nowhere": func(dir, _ string) error { return os.Symlink("/nowhere", filepath.Join(dir, "refs", "heads", "alias")) },
	} {
		r := gittest.New(t)
		r.Commit(map[string]string{"a": "1"})
		r.Bare("pack-refs", "--all")
		r.Commit(map[string]string{"a": "2"}) // a loose ref over a stale packed one
		if err := link(r.Dir, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		mustBeAsByGit(t, what, r.Dir)
	}
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	for _, name := range []string{"one", "two"} {
		if err := os.Symlink("..", filepath.Join(r.Dir, "refs", "heads", name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := advertised(t, r.Dir).Refs.Find("refs/heads/main"); got != sha {
		t.Errorf("with circles: %s", got)
	}
}

func moveAndLink(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return os.Symlink(to, from)
}

// TestHeadAsLink has a HEAD as git wrote it once.
func TestHeadAsLink(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	head := filepath.Join(r.Dir, "HEAD")
	if err := os.Remove(head); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("refs/heads/main", head); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if ad := advertised(t, r.Dir); ad.HeadRef != "refs/heads/main" || ad.Head.String() != sha {
			t.Errorf("%q at %s", ad.HeadRef, ad.Head)
		}
		r.Bare("pack-refs", "--all") // now the link leads nowhere
	}
}

// TestPipesHoldNobodyUp has pipes in the place of files.
func TestPipesHoldNobodyUp(t *testing.T) {
	for _, name := range []string{"packed-refs", "refs/heads/pipe", "config", "shallow", "HEAD", "commondir"} {
		r := gittest.New(t)
		r.Commit(map[string]string{"a": "1"})
		path := filepath.Join(r.Dir, name)
		_ = os.Remove(path)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if repo, err := local.Open(r.Dir); err == nil {
				_, _ = repo.Advertisement(ctx)
				_, _ = repo.Shallow()
			}
		}()
		select {
		case <-done:
		case <-ctx.Done():
			t.Errorf("%s: still waits for somebody to write", name)
		}
		cancel()
	}
}
